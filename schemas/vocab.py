"""The words the tables share: moods, periods, sources, features. One concept, one name in all layers."""

from __future__ import annotations

MOODS = ("happy", "angry", "sad", "relaxed")
UNKNOWN_MOOD = "unknown"
# What the mood of a track was worked out from; an estimate is of the sound of other tracks.
MOOD_SOURCES = ("sound", "estimate", "words", "sound_and_words", "estimate_and_words", "none")

# Feeds of plays. `csv:<label>` stands beside them, one feed a label.
FEEDS = ("spotify_api", "spotify_extended", "spotify_account", "lastfm", "listenbrainz", "lastfm_1k")
CSV_FEED = "csv"  # what stands before the label
FEED_PATTERN = f"^({'|'.join(FEEDS)}|{CSV_FEED}:[a-z0-9_-]+)$"

# Services at which a listener has an account of their own.
ACCOUNT_SOURCES = ("spotify", "lastfm", "listenbrainz")

# Periods in days back from as_of_date; `all` has no edge, `current` is a decaying weight.
PERIOD_DAYS = {"365d": 365, "90d": 90, "30d": 30, "7d": 7}
PERIODS = ("all", *PERIOD_DAYS, "current")

# Where a track's audio features come from, best first; artist, genre and global are estimates.
MEASURED_SOURCES = ("spotify", "reccobeats", "kaggle", "beatport")
SERVICE_FEATURE_SOURCES = ("spotify", "reccobeats")
FEATURE_SOURCES = (*MEASURED_SOURCES, "artist", "genre", "global", "none")

# What reads the moods of lyrics, the most trusted first: the service at AI_API_URL, the model of jobs.lyric_mood.
LYRIC_SCORERS = ("ai", "local")

# Spotify's audio features, as the catalogue and the services name them; tempo is kept as tempo_bpm, loudness as
# loudness_db, and so on: the unit is part of a column's name.
SHARE_FEATURES = (
    "danceability",
    "energy",
    "valence",
    "speechiness",
    "acousticness",
    "instrumentalness",
    "liveness",
)

# How a mood entry came about: the listener said so, or it was read from what they heard last.
ENTRY_ORIGINS = ("manual", "recent_listens")
ENTRY_PLAYS = (
    10  # a mood that a listener reported counts as so many plays of it; an hour of listening is about twice it
)
VERDICTS = ("like", "dislike", "none")  # none takes back what was said before

PROFILE_STATUSES = ("ok", "too_few_plays", "no_features")
# How a feed's track key came to its track: by an id, by names that are one recording's, by another version of the work,
# by the artist alone, or not at all.
ID_METHODS = ("spotify_id", "isrc", "recording_mbid")
NAME_METHODS = ("reviewed", "exact", "normalised", "letters", "subtitle", "similar")
MATCH_METHODS = (*ID_METHODS, *NAME_METHODS, "version", "artist", "none")
REVIEW_DECISIONS = ("accept", "reject")

# Kinds of versions of a work, as titles name them.
VERSIONS = (
    "karaoke",
    "cover",
    "instrumental",
    "acappella",
    "remix",
    "acoustic",
    "demo",
    "live",
    "altered",
    "edit",
    "other",
)

MATCH_BASES = ("plays", "top_items", "both")
MODEL_KINDS = ("population", "artist", "cell", "listener")  # of gold.match_model
SIMILARITY_BASES = ("sessions", "sound", "both")
# What a listener may be told to play next. Of for_you and from_matches nothing was heard before, of rediscover all was;
# a list by mood holds what fits, heard or not. What a listener does not want to hear is in none.
RECOMMENDATION_LISTS = ("for_you", "rediscover", "from_matches", "current_mood", *MOODS)
STATS_ENTITIES = ("artist", "track", "album", "genre")
RUN_STATUSES = ("ok", "failed", "partial", "skipped")
SOURCE_STATUSES = ("ok", "closed", "failed", "waiting")
GAP_CERTAINTIES = ("possible", "certain")
LOOKUP_STATUSES = ("found", "unknown")

# Spotify's ranges of top items: about four weeks, six months, a year.
TOP_TIME_RANGES = ("short_term", "medium_term", "long_term")
TOP_ENTITIES = ("artist", "track")
