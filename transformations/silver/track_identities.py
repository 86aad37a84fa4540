"""Track keys of the feeds to tracks: by ids, then by names that are one recording's, else heard only.

A fold: the evidence of a key (its names and ids) is what its latest play says, so a batch of plays joined with the
rows of before gives what all plays together would give. A play may come again with late metadata: moment and event id
stay, so what it says now outranks what it said. The trap: keys that share an id or names are decided together, so
whoever narrows the rows of before must give all that are linked with a key that changes. `build` uses the evidence
several times: whoever calls it keeps that.

A key goes where the most trusted of what is known leads: the catalogue's Spotify id, then keys of the same ISRC, the
same Spotify id or the same MusicBrainz recording that lead to the catalogue, then names. An ISRC is the feed's or, of a
Spotify id, that of Spotify's answer, which may be about a track of the catalogue as well. What leads to no track of the
catalogue is a track of its own, shared by all keys that share an id, or names.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from schemas.vocab import MATCH_METHODS
from transformations.ids import (
    PART_SEPARATOR,
    artist_id_of_name,
    names_id_of,
    song_key_of_names,
    track_id_of_isrc,
    track_id_of_names,
    track_id_of_recording,
    track_id_of_spotify,
    work_id_of_names,
)
from transformations.likeness import (
    BORDERLINE_RATIO,
    are_of_one_core,
    compared_by,
    have_same_numbers,
    is_first_part,
    is_one_with_subtitle,
    is_spelling,
    may_reach,
    ratio,
)
from transformations.names import (
    FOREIGN_VERSIONS,
    artist_parts,
    exact_key,
    letters,
    song_title_key,
    title_parts,
    without_artist,
)
from transformations.silver.artist_blocks import artist_blocks, ends

RULE_VERSION = 2
# How sure a method is: an id is certain, names can be shared, another version is another recording, and so on.
SCORES = {
    "spotify_id": 1.0, "isrc": 0.99, "recording_mbid": 0.98, "reviewed": 1.0, "exact": 0.98, "normalised": 0.95,
    "letters": 0.94, "subtitle": 0.9, "similar": 0.9, "version": 0.9, "artist": 0.9, "none": 1.0,
}  # fmt: skip
OTHER_SPELLING = 0.97  # of the score where the artist is spelt in another way, or is one of several credited
LEAST_ARTIST_RATIO = 0.93
RECORDING_METHODS = ("exact", "normalised", "letters", "subtitle", "similar")
EVIDENCE = ("artist_name", "track_name", "album_name", "spotify_id", "isrc", "recording_mbid", "duration_ms", "lastfm")
KEY = ("source", "source_track_key")
SAID = (*KEY, "named_at", "named_event_id", *EVIDENCE)
# How a name of the catalogue's artists was found: as written, but for a typo, as one of several credited.
AS_WRITTEN, BY_TYPO, BY_CREDIT = 0, 1, 2


def said(*, plays: DataFrame) -> DataFrame:
    """Per key what its latest play says; of two at one moment the one of the larger id, whatever came first."""
    heard = plays.withColumnsRenamed({"event_at": "named_at", "event_id": "named_event_id"})
    return _latest(heard.select(*SAID))


def evidence(*, said: DataFrame, previous: DataFrame, spotify_tracks: DataFrame) -> DataFrame:
    """What new plays say and the rows of before in; per key what its latest play says, its names taken apart, and by
    what it is linked with other keys, out."""
    told = said.select(*SAID, F.lit(1).alias("is_new")).unionByName(previous.select(*SAID, F.lit(0).alias("is_new")))
    return _with_names(_with_isrc(_latest(told), spotify_tracks))


def build(
    *, evidence: DataFrame, catalogue_tracks: DataFrame, spotify_tracks: DataFrame, identity_reviews: DataFrame
) -> DataFrame:
    """The evidence of all keys that are linked with each other in, a row per feed and track key out."""
    found = _by_names(evidence, catalogue_tracks, identity_reviews)
    by_id = catalogue_tracks.select("spotify_id", F.col("track_id").alias("track_by_id"))
    by_answer = (
        _answers(spotify_tracks)
        .join(by_id, "spotify_id")
        .groupBy(F.col("answered_isrc").alias("same_isrc"))
        .agg(F.min(_ranked(F.lit("spotify_id"), F.col("track_by_id"))).alias("of_answer"))
    )
    return _told(_by_ids(found.join(by_id, "spotify_id", "left"), by_answer))


def _latest(told: DataFrame) -> DataFrame:
    ordered = ["named_at", "named_event_id", *(["is_new"] if "is_new" in told.columns else []), *EVIDENCE]
    latest = F.max(F.struct(*ordered)).alias("latest")
    return told.groupBy(*KEY).agg(latest).select(*KEY, "latest.*").select(*SAID)


def _with_isrc(keys: DataFrame, spotify_tracks: DataFrame) -> DataFrame:
    """Adds the ISRC by which a key is linked: the feed's, else that of Spotify's answer about its Spotify id."""
    isrc = F.coalesce("isrc", "answered_isrc").alias("linked_isrc")
    return keys.join(_answers(spotify_tracks), "spotify_id", "left").select(*keys.columns, isrc)


def _answers(spotify_tracks: DataFrame) -> DataFrame:
    return spotify_tracks.where("isrc IS NOT NULL").select(
        F.col("track_key").alias("spotify_id"), F.col("isrc").alias("answered_isrc")
    )


def _with_names(keys: DataFrame) -> DataFrame:
    """Adds the names taken apart."""
    named = keys.withColumns(
        {
            "title": title_parts(without_artist(F.col("track_name"), F.col("artist_name"))),
            "artist": artist_parts(F.col("artist_name")),
        }
    ).withColumns(
        {
            "artist_letters": letters(F.col("artist.key")),
            "credited": F.transform("artist.credited", letters),
            "parties": F.transform("artist.parties", letters),
        }
    )
    base, version_letters = letters(F.col("title.base")), letters(F.col("title.version_words"))
    return named.withColumns(
        {
            "version_letters": version_letters,
            "names_id": names_id_of(F.col("artist_letters"), base, version_letters),
            # Two names of equal letters may be credits of several artists and of one: what they are called tells.
            "artist_credit": F.struct(
                "artist_letters", "credited", "parties", F.col("artist.imitates").alias("imitates")
            ),
            "artist_blocks": artist_blocks(F.array_distinct(F.concat(F.array("artist_letters"), "credited"))),
        }
    )


# --- names


def _credits(catalogue_tracks: DataFrame) -> DataFrame:
    """A row per track and name under which one of its artists is looked for."""
    return catalogue_tracks.select(
        "track_id", "spotify_id", "popularity", "work_id", F.col("names_id").alias("catalogue_names_id"),
        "base_title", compared_by(F.col("base_title"), F.col("core_title")).alias("other"),
        F.col("version_letters").alias("other_version"), "version",
        F.posexplode("artist_letters").alias("place", "letters"),
    )  # fmt: skip


def _by_names(evidence: DataFrame, catalogue_tracks: DataFrame, identity_reviews: DataFrame) -> DataFrame:
    """Adds what the names alone lead to, per key: struct `match` (null where to nothing), `near`, what artists."""
    catalogue = _credits(catalogue_tracks)
    rejected = identity_reviews.where("decision = 'reject'").select("names_id", "catalogue_names_id")
    main = exact_key(F.get("artist_names", F.lit(0)))
    exact = catalogue_tracks.groupBy(
        main.alias("exact_artist"), exact_key(F.col("track_name")).alias("exact_title")
    ).agg(F.min(_candidate()).alias("of_exact"))
    name = F.min(F.struct("artist_credit", "title", "version_letters")).alias("name")
    names = (
        evidence.groupBy("names_id")
        .agg(name)
        .select("names_id", "name.*")
        .join(_of_names(catalogue, catalogue_tracks, identity_reviews, rejected), "names_id", "left")
        .join(_known_artists(evidence, catalogue), "artist_credit", "left")
    )
    told = (
        evidence.withColumn("exact_artist", exact_key(F.col("artist_name")))
        .withColumn("exact_title", exact_key(F.col("track_name")))
        .join(exact, ["exact_artist", "exact_title"], "left")
        .join(_near(names, catalogue, rejected), "names_id", "left")
    )
    by_names = F.coalesce(
        _match("reviewed", F.col("of_review")),
        F.when(F.col("is_split").isNull(), _match("exact", F.col("of_exact"))),
        F.when(F.col("of_same.base_title") == F.col("title.base"), _match("normalised", F.col("of_same"))),
        _match("letters", F.col("of_same")),
        F.col("of_near"),
    )
    return told.withColumn("match", by_names)


def _of_names(
    catalogue: DataFrame, catalogue_tracks: DataFrame, identity_reviews: DataFrame, rejected: DataFrame
) -> DataFrame:
    """Per names the catalogue's track of the same (`of_same`), that of an accepted review (`of_review`), and whether a
    review split them from the catalogue's own (`is_split`)."""
    accepted = identity_reviews.where("decision = 'accept'").select("names_id", "catalogue_names_id")
    reviewed = catalogue_tracks.select(
        F.col("names_id").alias("catalogue_names_id"), _candidate().alias("candidate")
    ).join(accepted, "catalogue_names_id")
    names_id = names_id_of(F.col("letters"), letters(F.col("base_title")), F.col("other_version"))
    same = catalogue.withColumn("names_id", names_id).join(rejected, ["names_id", "catalogue_names_id"], "left_anti")
    placed = F.struct("place", _candidate().alias("candidate"))
    found = (
        same.select("names_id", placed.alias("same"))
        .unionByName(reviewed.select("names_id", F.col("candidate").alias("of_review")), allowMissingColumns=True)
        .unionByName(
            rejected.where("names_id = catalogue_names_id").select("names_id", F.lit(True).alias("is_split")),
            allowMissingColumns=True,
        )
    )
    return found.groupBy("names_id").agg(
        F.min("same")["candidate"].alias("of_same"),
        F.min("of_review").alias("of_review"),
        F.max("is_split").alias("is_split"),
    )


def _candidate() -> Column:
    """A track of the catalogue, ordered: the most popular first, of those the least Spotify id."""
    return F.struct(
        (-F.coalesce("popularity", F.lit(-1))).alias("unpopular"), "spotify_id", "track_id", "work_id", "base_title"
    )


def _match(method: str, candidate: Column) -> Column:
    return F.when(
        candidate.isNotNull(),
        _matched(F.lit(method), F.lit(SCORES[method]), candidate["track_id"], candidate["work_id"]),
    )


def _matched(method: Column, score: Column, track_id: Column, work_id: Column) -> Column:
    return F.struct(method.alias("method"), score.alias("score"), track_id.alias("track_id"), work_id.alias("work_id"))


def _known_artists(evidence: DataFrame, catalogue: DataFrame) -> DataFrame:
    """Artists as heard (`artist_credit`) with `artists`: the catalogue's `letters` of them, how these were `found` and
    in which `turn` they are credited, the surest first.

    Typos are looked for among artists that share a block; a name of a tribute or karaoke act is nobody's typo.
    """
    known = catalogue.select("letters").distinct()
    own, imitates = F.col("artist_credit.artist_letters"), F.col("artist_credit.imitates")
    # All ways to look for an artist as rows of one table: whole, in parts, and by the ends of a long name.
    whole = F.struct(F.lit(AS_WRITTEN).alias("found"), F.lit(0).alias("turn"), own.alias("key"))
    parts = F.transform(
        "artist_credit.credited",
        lambda part, turn: F.struct(F.lit(BY_CREDIT).alias("found"), turn.alias("turn"), part.alias("key")),
    )
    by_ends = F.transform(
        ends(own), lambda end: F.struct(F.lit(BY_TYPO).alias("found"), F.lit(0).alias("turn"), end.alias("key"))
    )
    ways = F.when(imitates, F.array(whole)).otherwise(F.concat(F.array(whole), parts, by_ends))
    sought = evidence.select("artist_credit").distinct().select("artist_credit", F.inline(ways))
    keys = F.concat(F.array(F.col("letters")), ends(F.col("letters")))
    is_typo = F.col("found") == BY_TYPO
    likeness = F.when(is_typo, ratio(own, F.col("letters"))).otherwise(1.0)
    met = (
        sought.join(known.select("letters", F.explode(keys).alias("key")), "key")
        .where(~is_typo | may_reach(own, F.col("letters"), LEAST_ARTIST_RATIO))
        .withColumn("likeness", likeness)
        .where(F.col("likeness") >= LEAST_ARTIST_RATIO)
    )
    # Who is written as in the catalogue is nobody's typo; of a typo the nearest artist counts, of a credit all.
    artist = F.struct("found", "turn", "letters")
    nearest = F.min(F.when(is_typo, F.struct((-F.col("likeness")).alias("unlike"), artist.alias("artist"))))
    return (
        met.groupBy("artist_credit")
        .agg(F.collect_set(F.when(~is_typo, artist)).alias("sure"), nearest["artist"].alias("typo"))
        .select(
            "artist_credit",
            F.when(F.exists("sure", lambda one: one["found"] == AS_WRITTEN), F.col("sure"))
            .otherwise(F.array_compact(F.concat(F.array("typo"), F.col("sure"))))
            .alias("artists"),
        )
    )


def _near(names: DataFrame, catalogue: DataFrame, rejected: DataFrame) -> DataFrame:
    """Names, those that are not of the catalogue compared with every title of their artists there: the best that is
    accepted (`of_near`), the nearest that is not quite (`near`), how many were compared, and the artist.

    Any name of a credit may lead to a title, which must agree as well; alone it must be surely somebody's.
    """
    somebody = F.filter(
        "artists",
        lambda one: (one["found"] != BY_CREDIT) | F.array_contains(F.col("artist_credit.parties"), one["letters"]),
    )
    one, other, likeness = F.col("one"), F.col("other"), F.col("likeness")
    compared = (
        names.repartition("names_id")  # not by artist: those of many titles are compared most
        .withColumn("known_artist", F.array_min(somebody))
        .withColumn("one", compared_by(F.col("title.base"), F.col("title.core")))
        .withColumn("artist", F.explode_outer(F.when(F.col("of_same").isNull(), F.col("artists"))))
        .withColumns({"found": F.col("artist.found"), "letters": F.col("artist.letters")})
        .join(catalogue.withColumnRenamed("version", "of_version"), "letters", "left")
        .join(rejected.withColumn("rejected", F.lit(True)), ["names_id", "catalogue_names_id"], "left")
        .withColumn(
            "likeness",
            F.when(
                may_reach(one["letters"], other["letters"], BORDERLINE_RATIO), ratio(one["letters"], other["letters"])
            ).otherwise(0.0),
        )
    )
    is_same = one["letters"] == other["letters"]
    is_subtitle = is_one_with_subtitle(one, other)
    is_similar = is_spelling(one, other, likeness)
    is_version_alike = F.col("version_letters") == F.col("other_version")
    is_foreign = F.coalesce(F.col("title.version").isin(*FOREIGN_VERSIONS), F.lit(False)) | F.coalesce(
        F.col("of_version").isin(*FOREIGN_VERSIONS), F.lit(False)
    )
    is_rejected = F.col("rejected").isNotNull()
    method = F.when(
        is_version_alike & ~is_rejected,
        F.when(is_same, "letters").when(is_subtitle, "subtitle").when(is_similar, "similar"),
    )
    # Of one core, and one of them a version by its notes: "Ante Up (Robbin Hoodz Theory)", "Ante Up - Remix".
    is_core = are_of_one_core(one, other) & have_same_numbers(one, other) & ~is_version_alike
    is_version = (is_same | is_subtitle | is_similar | is_core | is_first_part(one, other)) & ~is_foreign
    method = F.coalesce(method, F.when(is_version, "version"))
    is_near = is_version_alike & ~is_rejected & have_same_numbers(one, other) & (likeness >= BORDERLINE_RATIO)
    judged = compared.withColumn("method", method).withColumn("is_near", F.col("method").isNull() & is_near)
    rank = _place(F.col("method")).alias("rank")
    score = _score(F.col("method")) * F.when(F.col("found") == AS_WRITTEN, 1.0).otherwise(OTHER_SPELLING)
    best = F.min(
        F.when(
            F.col("method").isNotNull(),
            F.struct(
                rank, "found", (-likeness).alias("unlike"), "place", _candidate().alias("candidate"),
                _matched(F.col("method"), score, F.col("track_id"), F.col("work_id")).alias("match"),
            ),
        )
    )  # fmt: skip
    nearest = F.min(
        F.when(
            F.col("is_near"),
            F.struct(
                (-likeness).alias("unlike"),
                "found",
                "place",
                _candidate().alias("candidate"),
                "catalogue_names_id",
            ),
        )
    )
    return judged.groupBy("names_id").agg(
        *[F.any_value(name).alias(name) for name in ("of_same", "of_review", "is_split", "known_artist")],
        best["match"].alias("of_near"),
        nearest.alias("near"),
        F.count("track_id").alias("compared_count"),
    )


# --- ids


def _by_ids(found: DataFrame, by_answer: DataFrame) -> DataFrame:
    """Adds `own`, what a key's Spotify id in the catalogue or its names lead to; what keys, or Spotify's answers, of
    the same ISRC, keys of the same Spotify id or recording lead to; and `unmatched`, the track a key would be without
    the catalogue: of its ISRC's least Spotify id, its own, its recording's, or that of the most trusted key of the
    same names. A version or an artist is no match of a recording. What is asked of one link stands together: one sort.
    """
    is_recording = F.col("match.method").isin("reviewed", *RECORDING_METHODS)
    own = F.when(F.col("track_by_id").isNotNull(), _ranked(F.lit("spotify_id"), F.col("track_by_id"))).when(
        is_recording, _ranked(F.col("match.method"), F.col("match.track_id"))
    )
    of_ids = found.withColumn("own", own).withColumns(
        {
            "of_id": _least_of("spotify_id", F.col("own")),
            "same_isrc": F.coalesce("linked_isrc", _least_of("spotify_id", F.col("linked_isrc"))),
        }
    )
    of_isrcs = (
        of_ids.withColumns(
            {
                "of_isrc": _least_of("same_isrc", F.col("own")),
                "id_of_isrc": _least_of("same_isrc", F.col("spotify_id")),
            }
        )
        .join(by_answer, "same_isrc", "left")
        .withColumn("of_isrc", F.least("of_isrc", "of_answer"))
    )
    strong = (
        F.when(F.col("id_of_isrc").isNotNull(), track_id_of_spotify(F.col("id_of_isrc")))
        .when(F.col("same_isrc").isNotNull(), track_id_of_isrc(F.col("same_isrc")))
        .when(F.col("spotify_id").isNotNull(), track_id_of_spotify(F.col("spotify_id")))
    )
    recorded = F.when(
        F.col("recording_mbid").isNotNull(),
        F.coalesce("strong_of_mbid", track_id_of_recording(F.col("recording_mbid"))),
    )
    return (
        of_isrcs.withColumn("strong", strong)
        .withColumn("strong_of_names", _least_of("names_id", F.col("strong")))
        .withColumns(
            {
                "of_mbid": _least_of("recording_mbid", F.col("own")),
                "strong_of_mbid": _least_of("recording_mbid", F.coalesce("strong", "strong_of_names")),
            }
        )
        .withColumn("recorded", recorded)
        .withColumn("recorded_of_names", _least_of("names_id", F.col("recorded")))
        .withColumn(
            "unmatched",
            F.coalesce(
                "strong", "recorded", "strong_of_names", "recorded_of_names", track_id_of_names(F.col("names_id"))
            ),
        )
    )


def _least_of(link: str, value: Column) -> Column:
    """The least value among the keys that share a link; null for keys that have none."""
    alone = F.concat_ws(PART_SEPARATOR, F.lit("alone"), *KEY)
    return F.when(F.col(link).isNotNull(), F.min(value).over(Window.partitionBy(F.coalesce(link, alone))))


def _ranked(method: Column, track_id: Column) -> Column:
    return F.struct(_place(method).alias("rank"), track_id.alias("track_id"))


def _place(method: Column) -> Column:
    return F.array_position(F.expr(f"array({', '.join(map(repr, MATCH_METHODS))})"), method)


# --- what is told of a key


def _told(decided: DataFrame) -> DataFrame:
    # What it leads to by an id outranks its names; of its own names the method is told where they lead there too.
    star = F.coalesce(
        F.when(F.col("track_by_id").isNotNull(), F.col("own")),
        F.col("of_isrc"),
        F.col("of_id"),
        F.col("own"),
        F.col("of_mbid"),
    )
    is_by_own = F.col("own.track_id").eqNullSafe(star["track_id"])
    by_link = (
        F.when(F.col("of_isrc").isNotNull(), "isrc")
        .when(F.col("of_id").isNotNull(), "spotify_id")
        .otherwise("recording_mbid")
    )
    is_related = F.col("match.method") == "version"
    method = (
        F.when(F.col("track_by_id").isNotNull(), "spotify_id")
        .when(star.isNotNull() & is_by_own, F.col("match.method"))
        .when(star.isNotNull(), by_link)
        .when(is_related, "version")
        .when(F.col("known_artist").isNotNull(), "artist")
        .otherwise("none")
    )
    own_letters = F.col("artist_letters")
    known = F.col("known_artist.letters")
    # Of several credited the first is who the track is counted to: a guest's name is not its artist's.
    is_main = known.isNotNull() & ((F.col("known_artist.found") != BY_CREDIT) | (F.col("known_artist.turn") == 0))
    base = letters(F.col("title.base"))
    own_track_id = (
        F.when(F.col("spotify_id").isNotNull(), track_id_of_spotify(F.col("spotify_id")))
        .when(F.col("isrc").isNotNull(), track_id_of_isrc(F.col("isrc")))
        .when(F.col("recording_mbid").isNotNull(), track_id_of_recording(F.col("recording_mbid")))
        .otherwise(track_id_of_names(F.col("names_id")))
    )
    led = decided.withColumns(
        {
            "track_id": F.coalesce(star["track_id"], "unmatched"),
            "match_method": method,
            "own_track_id": own_track_id,
            "is_open": star.isNull() & F.col("near").isNotNull(),
        }
    )
    score = F.when(F.col("match_method") == F.col("match.method"), F.col("match.score")).when(
        (F.col("match_method") == "artist") & (F.col("known_artist.found") != AS_WRITTEN),
        F.lit(SCORES["artist"] * OTHER_SPELLING),
    )
    return led.select(
        *KEY,
        "track_id",
        "match_method",
        F.coalesce(score, _score(F.col("match_method"))).alias("match_score"),
        F.when(F.col("match_method") == "version", F.col("match.track_id")).alias("related_track_id"),
        "own_track_id",
        F.when(F.col("track_id") != F.col("own_track_id"), F.col("track_id")).alias("replaced_by"),
        F.lit(RULE_VERSION).alias("rule_version"),
        song_key_of_names(F.col("artist.key"), song_title_key(F.col("track_name"))).alias("song_key"),
        artist_id_of_name(F.when(is_main, known).otherwise(own_letters)).alias("artist_id"),
        known.isNotNull().alias("is_artist_known"),
        F.col("title.version").alias("version"),
        F.coalesce(
            F.when(F.col("match_method") == "version", F.col("match.work_id")), work_id_of_names(own_letters, base)
        ).alias("work_id"),
        "names_id",
        "artist_blocks",
        F.coalesce("compared_count", F.lit(0)).cast("bigint").alias("compared_count"),
        F.when(F.col("is_open"), F.col("near.catalogue_names_id")).alias("near_names_id"),
        F.when(F.col("is_open"), F.col("near.candidate.track_id")).alias("near_track_id"),
        F.when(F.col("is_open"), -F.col("near.unlike")).alias("near_score"),
        *EVIDENCE,
        "linked_isrc",
        "named_at",
        "named_event_id",
    )


def _score(method: Column) -> Column:
    told = ", ".join(f"'{name}', {score}D" for name, score in SCORES.items())
    return F.element_at(F.expr(f"map({told})"), method)
