"""A track to its audio features, each value with its source: measured where a source has it, else estimated.

Measured: Spotify, else ReccoBeats less what it is known to be off by, else the catalogue, else Beatport (tempo and
key). Estimated: the mean of the artist's other tracks on the album, drawn towards the artist's, drawn towards that of
their genres, drawn towards all tracks'. The trap: one more measured track moves the estimates of all the artist's
others, so the table is built anew by artist, never by track.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from schemas.silver.features import ESTIMATED_FEATURES, FEATURE_NAMES, LEADING
from schemas.vocab import SERVICE_FEATURE_SOURCES, SHARE_FEATURES
from transformations.silver.features import mean_of, shrunk, sound_sums
from transformations.silver.genres import EVERYTHING

# The chain in order, and how far a source is trusted. Spotify measured this very track, and the catalogue holds what
# Spotify measured; ReccoBeats models the features itself, and `silver.feature_drifts` tells how far it is off. How sure
# Beatport is hangs on how the track was matched.
CONFIDENCES = {"spotify": 1.0, "reccobeats": 0.9, "kaggle": 1.0}
BEATPORT_FEATURES = ("tempo_bpm", "key", "mode")
MEASURES = dict.fromkeys(CONFIDENCES, FEATURE_NAMES) | {"beatport": BEATPORT_FEATURES}
LOWEST_TEMPO = 1.0  # what a correction leaves of a tempo at least
# How many tracks the genres weigh against the artist's mean, and the artist against the album's. `make evaluate`
# measures what they give for songs of the catalogue that are hidden in turn.
GENRE_WEIGHTS = {
    "valence": 2.0, "energy": 1.0, "danceability": 1.5, "speechiness": 1.5, "acousticness": 1.0,
    "instrumentalness": 0.75, "liveness": 4.0, "loudness_db": 0.5, "tempo_bpm": 12.0,
}  # fmt: skip
ARTIST_WEIGHTS = dict.fromkeys(GENRE_WEIGHTS, 3.0) | {"valence": 4.0, "energy": 2.0, "tempo_bpm": 6.0}
# Of hidden songs the quadrant of valence and energy is right for .59 by genre and for .65 by artist (docs/quality.md);
# songs that people play are taken to be guessed about a tenth worse than the catalogue's.
GENRE_CONFIDENCE = 0.5
ARTIST_CONFIDENCE, ARTIST_DOUBT = 0.6, 0.2  # .5 by one track, .59 by ten


def build(
    *,
    tracks: DataFrame,
    catalogue_tracks: DataFrame,
    service_features: DataFrame,
    beatport_features: DataFrame,
    feature_drifts: DataFrame,
    genres: DataFrame,
) -> DataFrame:
    """Every track in, a row out.

    Valence and energy are of the first source that has both: the feature_source. Any other value is of the first that
    has it, so what one source lacks the next fills in, and what none has is estimated; key, mode and time signature
    never are. Where nothing is known of the artist either, what no source has is null.
    """
    services = _corrected(service_features, feature_drifts)
    answered = _answered(tracks, catalogue_tracks, services, beatport_features, genres)
    of_albums, of_artists = _sound_of_albums(answered), _sound_of_artists(answered)
    everything = genres.where(F.col("genre") == EVERYTHING).select(F.struct(*ESTIMATED_FEATURES).alias("everything"))
    known = (
        answered.join(of_artists, "artist_id", "left")
        .join(of_albums, ["artist_id", "album"], "left")
        .join(F.broadcast(everything), how="left")
        .withColumn("estimate_source", _estimate_source())
        .withColumn("estimate", F.struct(*[_estimate(name).alias(name) for name in ESTIMATED_FEATURES]))
        .withColumn("feature_source", F.coalesce("measured_source", "estimate_source", F.lit("none")))
    )
    sources = {name: _source_of(name) for name in FEATURE_NAMES}
    return known.select(
        "track_id",
        "artist_id",
        *[_value(name, source).alias(name) for name, source in sources.items()],
        "feature_source",
        F.coalesce(_confidence(F.col("feature_source")), F.lit(0.0)).alias("feature_confidence"),
        _value_sources(sources),
    )


def _corrected(service_features: DataFrame, feature_drifts: DataFrame) -> DataFrame:
    """The services' values less their corrections, within the bounds of the feature."""
    known = F.struct(F.concat_ws(".", "source", "feature"), "correction")
    corrections = feature_drifts.agg(F.map_from_entries(F.collect_list(known)).alias("corrections"))

    def corrected(name: str) -> Column:
        correction = F.try_element_at("corrections", F.concat_ws(".", "source", F.lit(name)))
        left = F.col(name) - correction
        if name in SHARE_FEATURES:
            left = F.least(F.greatest(left, F.lit(0.0)), F.lit(1.0))
        elif name == "tempo_bpm":
            left = F.greatest(left, F.lit(LOWEST_TEMPO))
        return F.when(F.coalesce(correction, F.lit(0.0)) == 0, F.col(name)).otherwise(left)

    return service_features.crossJoin(F.broadcast(corrections)).withColumns(
        {name: corrected(name) for name in ESTIMATED_FEATURES}
    )


def _answered(
    tracks: DataFrame,
    catalogue_tracks: DataFrame,
    service_features: DataFrame,
    beatport_features: DataFrame,
    genres: DataFrame,
) -> DataFrame:
    """Per track what each source measured, the first with valence and energy, and the sound of the track's genres."""
    album = F.coalesce(F.lower(F.trim("album_name")), F.lit(""))
    sounds = genres.agg(
        F.map_from_entries(F.collect_list(F.struct("genre", F.struct(*ESTIMATED_FEATURES)))).alias("sounds")
    )
    answered = tracks.join(_sound_of_genres(tracks, sounds), "genres", "left").select(
        "track_id", "artist_id", "track_key", album.alias("album"), F.col("sound").alias("genres")
    )
    for source in SERVICE_FEATURE_SOURCES:
        measured = service_features.where(F.col("source") == source)
        answered = answered.join(measured.select("track_key", _features_as(source)), "track_key", "left")
    catalogue = catalogue_tracks.where("is_representative").select("track_id", _features_as("kaggle"))
    first = _first({source: _has_both(source) for source in CONFIDENCES})
    beatport = beatport_features.select(
        "track_id", F.struct(*BEATPORT_FEATURES).alias("beatport"), F.col("confidence").alias("beatport_confidence")
    )
    return (
        answered.join(catalogue, "track_id", "left")
        .join(beatport, "track_id", "left")
        .withColumn("measured_source", first)
    )


def _features_as(source: str) -> Column:
    return F.struct(*FEATURE_NAMES).alias(source)


def _sound_of_genres(tracks: DataFrame, sounds: DataFrame) -> DataFrame:
    """For each array of genres the mean of their sounds, null where none of them is known."""
    of_genre = F.transform("genres", lambda genre: F.try_element_at(F.col("sounds"), genre))
    # Tracks are many and arrays of genres few: a map is searched from its beginning.
    arrays = tracks.select("genres").distinct().crossJoin(F.broadcast(sounds))
    known = arrays.select("genres", F.array_compact(of_genre).alias("known"))

    def mean(name: str) -> Column:
        values = F.array_compact(F.transform("known", lambda sound: sound[name]))
        return F.try_divide(F.aggregate(values, F.lit(0.0), lambda total, value: total + value), F.size(values))

    sound = F.struct(*[mean(name).alias(name) for name in ESTIMATED_FEATURES])
    return known.select("genres", F.when(F.size("known") > 0, sound).alias("sound"))


def _sound_of_albums(answered: DataFrame) -> DataFrame:
    """Sums over the measured tracks of an album, as struct `mates`; of tracks without an album there is no row."""
    measured = _measured(answered).where("album <> ''")
    return measured.groupBy("artist_id", "album").agg(F.struct(*sound_sums(ESTIMATED_FEATURES)).alias("mates"))


def _sound_of_artists(answered: DataFrame) -> DataFrame:
    """Sums over an artist's measured tracks and over what their genres sound like, as struct `artist`."""
    genres = [f"genre_{name}" for name in ESTIMATED_FEATURES]
    sums = F.struct(*sound_sums((*ESTIMATED_FEATURES, *genres))).alias("artist")
    return _measured(answered).groupBy("artist_id").agg(sums)


def _measured(answered: DataFrame) -> DataFrame:
    """Tracks with valence and energy: the values that count for their album and artist."""
    values = [_of_source(name, _measured_source(name)).alias(name) for name in ESTIMATED_FEATURES]
    genres = [F.col(f"genres.{name}").alias(f"genre_{name}") for name in ESTIMATED_FEATURES]
    return answered.where("measured_source IS NOT NULL").select("artist_id", "album", *values, *genres)


def _has_both(source: str) -> Column:
    valence, energy = (F.col(f"{source}.{name}").isNotNull() for name in LEADING)
    return valence & energy


def _first(candidates: dict[str, Column]) -> Column:
    """The first source whose condition holds, null where none does."""
    return F.coalesce(*[F.when(holds, F.lit(source)) for source, holds in candidates.items()])


def _measured_source(name: str) -> Column:
    """Which source measured a feature, null where none did; valence and energy come from one."""
    if name in LEADING:
        return F.col("measured_source")
    return _first({source: F.col(f"{source}.{name}").isNotNull() for source in _sources_of(name)})


def _sources_of(name: str) -> list[str]:
    """Who measures a feature, in the order of the chain."""
    return [source for source, measured in MEASURES.items() if name in measured]


def _of_source(name: str, source: Column) -> Column:
    return F.coalesce(*[F.when(source == candidate, F.col(f"{candidate}.{name}")) for candidate in _sources_of(name)])


def _estimate_source() -> Column:
    return F.when(F.col("artist").isNotNull(), "artist").when(F.col("genres").isNotNull(), "genre")


def _estimate(name: str) -> Column:
    of_genres = F.coalesce(F.col(f"genres.{name}"), mean_of(f"genre_{name}", "artist"), F.col(f"everything.{name}"))
    of_artist = shrunk(name, of_genres, GENRE_WEIGHTS[name], "artist")
    return shrunk(name, of_artist, ARTIST_WEIGHTS[name], "mates")


def _source_of(name: str) -> Column:
    """Where a feature's value is taken from, null where there is none."""
    known = _measured_source(name)
    if name in ESTIMATED_FEATURES:
        known = F.coalesce(known, F.when(F.col(f"estimate.{name}").isNotNull(), F.col("estimate_source")))
    return known


def _value(name: str, source: Column) -> Column:
    measured = _of_source(name, source)
    if name not in ESTIMATED_FEATURES:
        return measured
    return F.coalesce(measured, F.when(source == F.col("estimate_source"), F.col(f"estimate.{name}")))


def _confidence(source: Column) -> Column:
    tracks = F.col("artist.valence_count")
    confidences = {name: F.lit(confidence) for name, confidence in CONFIDENCES.items()} | {
        "beatport": F.col("beatport_confidence"),
        "artist": ARTIST_CONFIDENCE * tracks / (tracks + ARTIST_DOUBT),
        "genre": F.lit(GENRE_CONFIDENCE),
    }
    return F.coalesce(*[F.when(source == name, confidence) for name, confidence in confidences.items()])


def _value_sources(sources: dict[str, Column]) -> Column:
    entries = [
        F.when(
            source.isNotNull(),
            F.struct(F.lit(name), F.struct(source.alias("source"), _confidence(source).alias("confidence"))),
        )
        for name, source in sources.items()
    ]
    return F.map_from_entries(F.array_compact(F.array(*entries))).alias("value_sources")
