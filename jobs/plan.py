"""The table of contents: from what each table is made, how it is written, in which stage and publish group.

Standard library only, so that a DAG can read it without Spark. The plan says nothing of time: that is the DAG's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Scope(StrEnum):
    """What of a table is built anew when its inputs changed."""

    WHOLE = "whole"  # all of it: small tables
    KEYS = "keys"  # the values of `scope_columns` that a changed input row names
    FOLD = "fold"  # new rows folded into the rows of before (`previous`), by `scope_columns`
    TAILS = "tails"  # a listener's history from the session of the first change on
    LISTS = "lists"  # the lists of listeners whom a changed row names, and those of others that they enter or leave
    PINNED = "pinned"  # nothing, until it is outgrown, then all of it: a population model


class Write(StrEnum):
    """How what was built anew gets into the table."""

    MERGE = "merge"  # changed rows by key, vanished rows deleted; a full build replaces the table
    REPLACE_WINDOW = "replace_window"  # all rows of the run's date; rows of other dates are history and stay


@dataclass(frozen=True)
class View:
    """Rows in one shape over other tables, never stored: a step that reads it reads its inputs."""

    table: str
    reads: tuple[str, ...]


@dataclass(frozen=True)
class Step:
    """One table. `uses` names the columns of an input whose change matters; all where it is silent.

    `via` is the table that leads from a changed input without the scope columns (a track) to those that have them (its
    listeners), `via_names` what a key column of that input is called there. `population` names inputs whose change
    moves every row. `period_days` are the windows that end on as_of_date: when that moves, old rows of `period_inputs`
    (tables by their column of the day) fall out of them; within `decaying_days` every row changes its weight. A fold
    decides rows that share a value in one of `linked_by` together: what is linked with a changed row, however far, is
    built anew with it. `reached_by` gives the columns by which a changed input that is no stream of plays reaches rows
    of the table, each with the table's own; arrays reach by each of their values. `described_by` gives, of such an
    input, a column and the input whose row of that key then reaches rows as well, as if it had changed. `models` are
    the fitted models that go to `build` by their names, `settings` those that do, as section.name; `fitted` are
    arguments of `build` that are read off a table with a model, by that table. `rules` is raised when a build comes to
    mean something else: like another version of a model or another value of a setting, it has the table built in full.

    `rows_of_use` is a condition on an input's rows, in SQL, for those whose change matters; `follows` are inputs that
    are often rewritten with few changes that matter, and are followed row by row even then. `build` is the function of
    the table's module, or module:function of jobs. `exact_up_to` is the setting that says up to how many listeners the
    step makes the table; of more, `of_many` is the step that does, or `beyond` the build of the same inputs. A step
    `for_many` makes rows beyond that size alone.
    """

    table: str
    reads: tuple[str, ...]
    stage: str
    group: str
    scope: Scope
    write: Write = Write.MERGE
    scope_columns: tuple[str, ...] = ()
    via: str | None = None
    via_names: Mapping[str, str] = field(default_factory=dict)
    population: tuple[str, ...] = ()
    uses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    takes_as_of_date: bool = False
    period_days: tuple[int, ...] = ()
    decaying_days: int = 0
    period_inputs: Mapping[str, str] = field(default_factory=dict)
    linked_by: tuple[str, ...] = ()
    reached_by: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    described_by: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    models: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    rules: int = 1
    fitted: Mapping[str, str] = field(default_factory=dict)
    rows_of_use: Mapping[str, str] = field(default_factory=dict)
    follows: tuple[str, ...] = ()
    build: str = "build"
    exact_up_to: str = ""
    of_many: Step | None = None
    beyond: str = ""
    for_many: bool = False


@dataclass(frozen=True)
class ImportFormat:
    """A file format of `import`: the bronze table its records go to and the feed they belong to."""

    format: str
    table: str
    feed: str
    names_users: bool  # the file names its listeners; otherwise --user does


IMPORT_FORMATS = (
    ImportFormat("spotify-extended", "bronze.spotify_export_plays", "spotify_extended", names_users=False),
    ImportFormat("spotify-account", "bronze.spotify_export_plays", "spotify_account", names_users=False),
    ImportFormat("listenbrainz", "bronze.listenbrainz_listens", "listenbrainz", names_users=False),
    ImportFormat("lastfm-1k", "bronze.file_listens", "lastfm_1k", names_users=True),
    ImportFormat("csv", "bronze.file_listens", "csv:{label}", names_users=True),
    ImportFormat("kaggle-tracks", "bronze.kaggle_tracks", "kaggle", names_users=True),
)


class Fetch(StrEnum):
    """Of what a service is asked."""

    ACCOUNT = "account"  # a listener's account, by a window of time
    TRACK = "track"  # tracks heard that the service was not asked about yet
    SERVICE = "service"  # the service as a whole: charts, genres


class Keep(StrEnum):
    """What a record does to the one of the same event_id that the stream has."""

    FIRST = "first"  # nothing: a play stays as it was first seen
    LATEST = "latest"  # replaces it: late metadata updates
    SNAPSHOT = "snapshot"  # replaces it, and what an account's whole answer no longer has is deleted


class TrackKey(StrEnum):
    """What a service knows a track by."""

    SPOTIFY_ID = "spotify_id"
    ANY_ID = "any_id"  # Spotify's, else the ISRC
    NAMES = "names"  # artist and title


@dataclass(frozen=True)
class Ingest:
    """A bronze stream as a service gives it; `feed` is the class in clients/ that fetches it, as module:name.

    Streams of tracks are asked in the order they stand here: what one source answers, the next is not asked.
    `overlap_hours` before the watermark are fetched again, because plays arrive late. `is_one_list` says that a
    listener has one such list: of several accounts the first is asked. Of a stream of tracks, `asked_by` says what the
    service knows a track by, and `is_one_by_one` that each costs a request.
    """

    table: str
    source: str
    feed: str
    fetch: Fetch
    keep: Keep
    overlap_hours: int = 0
    is_one_list: bool = False
    asked_by: TrackKey = TrackKey.SPOTIFY_ID
    is_one_by_one: bool = False

    @property
    def name(self) -> str:
        return self.table.split(".")[1]


INGESTS = (
    Ingest("bronze.spotify_plays", "spotify", "spotify_feeds:SpotifyPlays", Fetch.ACCOUNT, Keep.FIRST),
    Ingest("bronze.lastfm_scrobbles", "lastfm", "lastfm_api:LastfmScrobbles", Fetch.ACCOUNT, Keep.LATEST, 48),
    Ingest(
        "bronze.listenbrainz_listens", "listenbrainz", "listenbrainz_api:ListenBrainzListens", Fetch.ACCOUNT,
        Keep.LATEST, 48,
    ),
    Ingest(
        "bronze.spotify_top_items", "spotify", "spotify_feeds:SpotifyTopItems", Fetch.ACCOUNT, Keep.SNAPSHOT,
        is_one_list=True,
    ),
    Ingest("bronze.lastfm_loved_tracks", "lastfm", "lastfm_api:LastfmLovedTracks", Fetch.ACCOUNT, Keep.SNAPSHOT),
    Ingest("bronze.beatport_genres", "beatport", "beatport_feeds:BeatportGenres", Fetch.SERVICE, Keep.LATEST),
    Ingest("bronze.beatport_charts", "beatport", "beatport_feeds:BeatportCharts", Fetch.SERVICE, Keep.LATEST),
    Ingest("bronze.beatport_tracks", "beatport", "beatport_feeds:BeatportTracks", Fetch.SERVICE, Keep.LATEST),
    Ingest("bronze.beatport_releases", "beatport", "beatport_feeds:BeatportReleases", Fetch.SERVICE, Keep.LATEST),
    Ingest("bronze.beatport_artists", "beatport", "beatport_feeds:BeatportArtists", Fetch.SERVICE, Keep.LATEST),
    Ingest("bronze.beatport_labels", "beatport", "beatport_feeds:BeatportLabels", Fetch.SERVICE, Keep.LATEST),
    Ingest(  # Spotify closes its batches to new applications
        "bronze.spotify_tracks", "spotify", "spotify_feeds:SpotifyTracks", Fetch.TRACK, Keep.LATEST,
        is_one_by_one=True,
    ),
    Ingest("bronze.audio_features", "spotify", "spotify_feeds:SpotifyAudioFeatures", Fetch.TRACK, Keep.LATEST),
    Ingest(
        "bronze.audio_features", "reccobeats", "reccobeats_api:ReccoBeatsAudioFeatures", Fetch.TRACK, Keep.LATEST,
        asked_by=TrackKey.ANY_ID,
    ),
    Ingest(
        "bronze.lyrics", "lyrics", "lyrics_api:Lyrics", Fetch.TRACK, Keep.LATEST,
        asked_by=TrackKey.NAMES, is_one_by_one=True,
    ),
)  # fmt: skip

# Every service by its source: the class of its settings, as module:name, which also opens its client.
SERVICES = {
    "spotify": "spotify_api:SpotifySettings",
    "lastfm": "lastfm_api:LastfmSettings",
    "listenbrainz": "listenbrainz_api:ListenBrainzSettings",
    "reccobeats": "reccobeats_api:ReccoBeatsSettings",
    "lyrics": "lyrics_api:LyricsSettings",
    "ai": "mood_api:MoodSettings",
    "kaggle": "kaggle_api:KaggleSettings",
    "beatport": "beatport_api:BeatportSettings",
}

# Not fetched but made of lyrics that the lake has: by the AI service, or by the local model.
LYRIC_SCORES = Ingest("bronze.lyric_scores", "ai", "mood_api:MoodAPIClient", Fetch.TRACK, Keep.FIRST)

VIEWS = (
    View(
        "silver.plays",
        reads=(
            "bronze.spotify_plays",
            "bronze.spotify_export_plays",
            "bronze.lastfm_scrobbles",
            "bronze.listenbrainz_listens",
            "bronze.file_listens",
        ),
    ),
)

# Period windows in days: those of schemas.vocab.PERIOD_DAYS, and `current`, which looks back 28 days and weighs
# every day anew each night. A test holds them to the vocabulary.
PERIOD_DAYS = (7, 30, 90, 365)
CURRENT_DAYS = 28
MANY_LISTENERS = "matches.exact_up_to_users"  # the setting up to which one process compares all listeners
USED_OF_ENTRIES = ("user_id", "mood_date", "origin", "happy", "angry", "sad", "relaxed")
# Of the inputs of matches, by whichever engine.
USED_OF_MATCHED = {
    "silver.user_artists": ("user_id", "artist_id", "artist_name", "listen_count", "skip_count"),
    "silver.user_top_items": ("user_id", "time_range", "entity", "rank", "artist_names"),
    "ops.privacy_settings": ("user_id", "is_matched", "is_activity_shown"),
    "gold.user_mood_profiles": ("user_id", "period", "happy", "angry", "sad", "relaxed"),
}

STEPS = (
    Step(
        "silver.users",
        reads=("ops.accounts", "ops.user_settings"),
        stage="silver",
        group="listens",
        scope=Scope.WHOLE,
    ),
    Step(
        "silver.catalogue_tracks",
        reads=("bronze.kaggle_tracks",),
        stage="silver",
        group="listens",
        scope=Scope.WHOLE,
        rules=2,
    ),
    Step(
        "silver.genres",
        reads=("silver.catalogue_tracks",),
        stage="silver",
        group="listens",
        scope=Scope.WHOLE,
    ),
    Step(
        "silver.spotify_tracks",
        reads=("bronze.spotify_tracks",),
        stage="silver",
        group="listens",
        scope=Scope.KEYS,
        scope_columns=("track_key",),
    ),
    Step(
        "silver.service_features",
        reads=("bronze.audio_features",),
        stage="silver",
        group="listens",
        scope=Scope.KEYS,
        scope_columns=("track_key",),
    ),
    Step(
        "silver.user_loved_tracks",
        reads=("bronze.lastfm_loved_tracks",),
        stage="silver",
        group="listens",
        scope=Scope.WHOLE,  # by listener it would be rewritten where most are touched, and all listens with it
    ),
    Step(
        "silver.track_identities",
        reads=("silver.plays", "silver.catalogue_tracks", "silver.spotify_tracks", "ops.identity_reviews"),
        stage="silver",
        group="listens",
        scope=Scope.FOLD,
        scope_columns=("source", "source_track_key"),
        linked_by=("linked_isrc", "spotify_id", "recording_mbid", "names_id"),
        reached_by={
            "silver.catalogue_tracks": {
                "spotify_id": "spotify_id",
                "track_id": "track_id",
                "artist_blocks": "artist_blocks",
            },
            "silver.spotify_tracks": {"track_key": "spotify_id", "isrc": "linked_isrc"},
            "ops.identity_reviews": {"names_id": "names_id"},
        },
        described_by={"silver.catalogue_tracks": ("spotify_id", "silver.spotify_tracks")},  # which knows its ISRC
        uses={"silver.spotify_tracks": ("track_key", "isrc")},
        rules=3,
    ),
    Step(
        "silver.tracks",
        reads=("silver.catalogue_tracks", "silver.spotify_tracks", "silver.track_identities"),
        stage="silver",
        group="listens",
        scope=Scope.KEYS,
        scope_columns=("track_id",),
        rules=2,
    ),
    Step(
        "silver.artists",
        reads=("silver.tracks", "silver.track_identities"),
        stage="silver",
        group="listens",
        scope=Scope.KEYS,
        scope_columns=("artist_id",),
        uses={
            "silver.tracks": ("track_id", "artist_id", "artist_names", "genres", "is_catalogue"),
            "silver.track_identities": ("source", "source_track_key", "artist_id", "artist_name", "is_artist_known"),
        },
        rules=2,
    ),
    Step(
        "silver.lyric_moods",
        reads=("bronze.lyric_scores", "silver.track_identities"),
        stage="silver",
        group="listens",
        scope=Scope.KEYS,
        scope_columns=("track_id",),
        via="silver.track_identities",
        via_names={"track_key": "song_key"},
        uses={"silver.track_identities": ("track_id", "song_key")},
    ),
    Step(
        "silver.beatport_tracks",
        reads=("bronze.beatport_tracks",),
        stage="silver",
        group="listens",
        scope=Scope.WHOLE,
    ),
    Step(
        "silver.beatport_features",
        reads=("silver.beatport_tracks", "silver.tracks", "silver.track_identities"),
        stage="silver",
        group="listens",
        scope=Scope.WHOLE,  # charts are small, and few tracks are in them
    ),
    Step(
        "silver.feature_drifts",
        reads=("silver.service_features", "silver.catalogue_tracks"),
        stage="silver",
        group="listens",
        scope=Scope.WHOLE,
    ),
    Step(
        "silver.track_features",
        reads=(
            "silver.tracks",
            "silver.catalogue_tracks",
            "silver.service_features",
            "silver.beatport_features",
            "silver.feature_drifts",
            "silver.genres",
        ),
        stage="silver",
        group="listens",
        scope=Scope.KEYS,
        scope_columns=("artist_id",),
        via="silver.tracks",
        population=("silver.genres", "silver.feature_drifts"),
        uses={
            "silver.tracks": ("track_id", "track_key", "artist_id", "album_name", "genres"),
            "silver.feature_drifts": ("source", "feature", "correction"),
        },
        rules=3,
    ),
    Step(
        "silver.track_moods",
        reads=("silver.track_features", "silver.lyric_moods"),
        stage="silver",
        group="listens",
        scope=Scope.KEYS,
        scope_columns=("track_id",),
        models=("mood_sound",),
        rules=2,
    ),
    Step(
        "silver.listens",
        reads=(
            "silver.plays",
            "silver.track_identities",
            "silver.tracks",
            "silver.users",
            "silver.user_loved_tracks",
        ),
        stage="silver",
        group="listens",
        scope=Scope.TAILS,
        uses={
            "silver.track_identities": ("source", "source_track_key", "track_id", "song_key"),
            "silver.tracks": ("track_id", "duration_ms"),
            "silver.users": ("user_id", "time_zone"),
            "silver.user_loved_tracks": ("user_id", "artist_name", "track_name"),
        },
        rules=2,
    ),
    Step(
        "silver.listen_members",
        reads=("silver.listens",),
        stage="silver",
        group="sums",
        scope=Scope.KEYS,
        scope_columns=("user_id", "listen_date"),
        uses={"silver.listens": ("listen_id", "user_id", "listen_date", "members")},
    ),
    Step(
        "silver.user_track_days",
        reads=("silver.listens",),
        stage="silver",
        group="sums",
        scope=Scope.KEYS,
        scope_columns=("user_id", "listen_date"),
        uses={"silver.listens": ("user_id", "listen_date", "track_id", "played_at", "ms_played", "is_skipped")},
    ),
    Step(
        "silver.user_tracks",
        reads=("silver.user_track_days",),
        stage="silver",
        group="sums",
        scope=Scope.KEYS,
        scope_columns=("user_id", "track_id"),
    ),
    Step(
        "silver.user_artists",
        reads=("silver.user_tracks", "silver.tracks"),
        stage="silver",
        group="sums",
        scope=Scope.KEYS,
        scope_columns=("user_id",),
        via="silver.user_tracks",
        uses={"silver.tracks": ("track_id", "artist_id", "artist_names")},
    ),
    Step(
        "silver.enriched_listens",
        reads=("silver.listens", "silver.tracks", "silver.track_features", "silver.track_moods"),
        stage="silver",
        group="sums",
        scope=Scope.KEYS,
        scope_columns=("user_id", "listen_date"),
        via="silver.user_track_days",
        uses={"silver.tracks": ("track_id", "genres")},
    ),
    Step(
        "silver.user_top_items",
        reads=("bronze.spotify_top_items",),
        stage="silver",
        group="services",
        scope=Scope.KEYS,
        scope_columns=("user_id",),
    ),
    Step(
        "silver.mood_entries",
        reads=("bronze.mood_entries", "silver.users"),
        stage="silver",
        group="said",
        scope=Scope.KEYS,
        scope_columns=("user_id",),
        uses={"silver.users": ("user_id", "time_zone")},
    ),
    Step(
        "silver.track_feedback",
        reads=("bronze.track_feedback",),
        stage="silver",
        group="said",
        scope=Scope.KEYS,
        scope_columns=("user_id",),
    ),
    Step(
        "gold.user_mood_profiles",
        reads=(
            "silver.user_track_days",
            "silver.track_features",
            "silver.track_moods",
            "silver.mood_entries",
            "silver.users",
        ),
        stage="gold",
        group="moods",
        scope=Scope.KEYS,
        scope_columns=("user_id",),
        via="silver.user_tracks",
        uses={"silver.users": ("user_id",), "silver.mood_entries": USED_OF_ENTRIES},
        takes_as_of_date=True,
        period_days=PERIOD_DAYS,
        decaying_days=CURRENT_DAYS,
        period_inputs={"silver.user_track_days": "listen_date", "silver.mood_entries": "mood_date"},
        settings=("profile.current_half_life_days",),
        rules=2,
    ),
    Step(
        "gold.user_mood_days",
        reads=("silver.user_track_days", "silver.track_features", "silver.track_moods", "silver.mood_entries"),
        stage="gold",
        group="moods",
        scope=Scope.KEYS,
        scope_columns=("user_id",),
        via="silver.user_tracks",
        uses={"silver.mood_entries": USED_OF_ENTRIES},
        rules=2,
    ),
    Step(
        "gold.listening_stats",
        reads=("silver.user_track_days", "silver.tracks"),
        stage="gold",
        group="moods",
        scope=Scope.KEYS,
        scope_columns=("user_id",),
        via="silver.user_tracks",
        uses={
            "silver.tracks": ("track_id", "artist_id", "artist_names", "track_name", "album_name", "genres"),
        },
        takes_as_of_date=True,
        period_days=PERIOD_DAYS,
        period_inputs={"silver.user_track_days": "listen_date"},
    ),
    Step(
        "gold.feature_coverage",
        reads=("silver.user_tracks", "silver.track_features"),
        stage="gold",
        group="moods",
        scope=Scope.WHOLE,
        write=Write.REPLACE_WINDOW,
        scope_columns=("run_date",),
        uses={"silver.track_features": ("track_id", "feature_source")},
        takes_as_of_date=True,
    ),
    Step(
        "gold.user_taste_profiles",
        reads=("silver.user_tracks", "silver.tracks", "silver.track_features", "silver.users"),
        stage="gold",
        group="matches",
        scope=Scope.WHOLE,  # rarity and the mean listener move with every listener
        uses={
            "silver.user_tracks": ("user_id", "track_id", "listen_count", "skip_count", "last_played_at"),
            "silver.tracks": ("track_id", "track_name", "artist_id", "artist_names", "genres"),
            "silver.users": ("user_id",),
        },
    ),
    Step(
        "gold.match_model",
        reads=(
            "silver.user_artists",
            "silver.user_top_items",
            "silver.tracks",
            "ops.privacy_settings",
            "gold.user_taste_profiles",
            "gold.user_mood_profiles",
        ),
        stage="gold",
        group="matches",
        scope=Scope.PINNED,
        exact_up_to=MANY_LISTENERS,
        for_many=True,
        settings=("matches.refit_above_growth",),
    ),
    Step(
        "gold.match_listeners",
        reads=(
            "silver.user_artists",
            "silver.user_top_items",
            "ops.privacy_settings",
            "gold.user_taste_profiles",
            "gold.user_mood_profiles",
            "gold.match_model",
        ),
        stage="gold",
        group="matches",
        scope=Scope.KEYS,
        scope_columns=("user_id",),
        exact_up_to=MANY_LISTENERS,
        for_many=True,
        uses={
            **USED_OF_MATCHED,
            # Weights and distances from the mean listener move with every listener.
            "gold.user_taste_profiles": (
                "user_id",
                "top_artists.artist_id",
                "top_artists.track_id",
                "top_artists.track_name",
                "genres.genre",
                "genres.listen_count",
                "sound.raw",
                "tempo",
                "recent_tracks",
            ),
        },
        rows_of_use={"gold.user_mood_profiles": "period = 'all'"},
        follows=("gold.user_mood_profiles", "gold.user_taste_profiles"),
        fitted={"population": "gold.match_model"},
    ),
    Step(
        "gold.user_match_explanations",
        reads=(
            "silver.user_artists",
            "silver.user_top_items",
            "silver.tracks",
            "ops.privacy_settings",
            "ops.user_blocks",
            "gold.user_taste_profiles",
            "gold.user_mood_profiles",
        ),
        stage="gold",
        group="matches",
        scope=Scope.WHOLE,  # every listener is compared with every other one
        uses={
            **USED_OF_MATCHED,
            "silver.tracks": ("track_id", "artist_id", "genres"),
            "ops.user_blocks": ("user_id", "blocked_user_id"),
        },
        exact_up_to=MANY_LISTENERS,
        of_many=Step(
            "gold.user_match_explanations",
            reads=("gold.match_listeners", "ops.user_blocks"),
            stage="gold",
            group="matches",
            scope=Scope.LISTS,
            scope_columns=("user_id",),
            uses={"ops.user_blocks": ("user_id", "blocked_user_id")},
            fitted={"population": "gold.match_model"},
            build="build_of_many",
            rules=3,
        ),
        rules=3,
    ),
    Step(
        "gold.user_matches",
        reads=("gold.user_match_explanations",),
        stage="gold",
        group="matches",
        scope=Scope.WHOLE,  # as what it is read off
        uses={"gold.user_match_explanations": ("user_id", "match_user_id", "summary")},
        exact_up_to=MANY_LISTENERS,
        of_many=Step(
            "gold.user_matches",
            reads=("gold.user_match_explanations",),
            stage="gold",
            group="matches",
            scope=Scope.KEYS,
            scope_columns=("user_id",),
            uses={"gold.user_match_explanations": ("user_id", "match_user_id", "summary")},
        ),
    ),
    Step(
        "gold.track_similarities",
        reads=("silver.listens", "silver.user_tracks", "silver.tracks", "silver.track_features"),
        stage="gold",
        group="matches",
        scope=Scope.WHOLE,  # a session more of one track moves the scores of all that it goes with
        uses={
            "silver.listens": ("listen_id", "user_id", "session_id", "played_at", "track_id", "is_skipped"),
            "silver.user_tracks": ("user_id", "track_id"),
            "silver.tracks": ("track_id", "genres"),
        },
    ),
    Step(
        "gold.recommendations",
        reads=(
            "silver.users",
            "silver.user_tracks",
            "silver.tracks",
            "silver.track_identities",
            "silver.catalogue_tracks",
            "silver.track_features",
            "silver.track_moods",
            "silver.track_feedback",
            "gold.user_mood_profiles",
            "gold.user_matches",
            "gold.track_similarities",
        ),
        stage="gold",
        group="matches",
        scope=Scope.WHOLE,  # whatever one listener plays says something of all
        uses={
            "silver.users": ("user_id",),
            "silver.user_tracks": ("user_id", "track_id", "listen_count", "skip_count", "last_played_at"),
            "silver.tracks": ("track_id", "artist_id", "genres", "popularity"),
            "silver.track_identities": ("track_id", "own_track_id", "replaced_by", "song_key"),
            "silver.catalogue_tracks": ("spotify_id", "track_id"),
            "silver.track_feedback": ("user_id", "track_id", "is_liked", "said_at"),
            "gold.user_mood_profiles": ("user_id", "period", "happy", "angry", "sad", "relaxed"),
            "gold.user_matches": ("user_id", "match_user_id", "score"),
        },
        takes_as_of_date=True,
        exact_up_to="recommendations.exact_up_to_users",
        beyond="distributed:recommendations",
        rules=2,
    ),
)


def stages() -> tuple[str, ...]:
    """The stages in order: the unit of a JVM start and of a scheduler's task."""
    return tuple(dict.fromkeys(step.stage for step in STEPS))


def steps_of(stage: str) -> tuple[Step, ...]:
    """The steps of a stage in order. Raises ValueError with the known stages where there is none."""
    found = tuple(step for step in STEPS if step.stage == stage)
    if not found:
        raise ValueError(f"no stage {stage!r}; the plan has {', '.join(stages())}")
    return found


def groups_of(stage: str) -> dict[str, tuple[Step, ...]]:
    """The publish groups of a stage in order: tables that must agree, checked before the first is committed."""
    steps = steps_of(stage)
    names = dict.fromkeys(step.group for step in steps)
    return {name: tuple(step for step in steps if step.group == name) for name in names}


def stored_inputs(step: Step) -> tuple[str, ...]:
    """The stored tables a step reads, views opened."""
    return tuple(dict.fromkeys(name for table in step.reads for name in _opened(table)))


def view(table: str) -> View | None:
    """The view of that name, or None where the table is stored."""
    return next((candidate for candidate in VIEWS if candidate.table == table), None)


def _opened(table: str) -> tuple[str, ...]:
    found = view(table)
    return found.reads if found else (table,)
