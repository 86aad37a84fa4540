"""What a listener may play next, for the terminal: lists of the last night, or any mood, worked out when asked.

Whom a listener may see in a reason is looked up as it stands now, not as it stood in the night.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import Row
from pyspark.sql import functions as F
from rich.console import Console

from clients.errors import ClientError
from clients.mood_api import Mood, Song
from jobs.feedback import TABLE as FEEDBACK
from jobs.matches import matches_of
from jobs.people import listener
from jobs.plan import STEPS
from jobs.recordings import artist_names, tracks_by_spotify_id
from jobs.runtime.errors import TooLittleDataError, UsageError
from jobs.runtime.lake import Lake
from schemas.vocab import MOODS, RECOMMENDATION_LISTS
from transformations.gold.choices import verdicts
from transformations.gold.recommendations import for_mood
from transformations.names import artist_key, title_key
from transformations.ranking.playlists import OF_AN_ARTIST, REDISCOVER_DAYS, REDISCOVER_PLAYS
from transformations.silver.track_feedback import build as last_words

if TYPE_CHECKING:
    from clients.mood_api import MoodAPIClient

TABLE = "gold.recommendations"
MOST_ASKED = 100  # songs that a service is asked for
MOST_OF_A_MOOD = 100  # a mood may be given in percent as well: only the shares count
SONG_COLUMNS = "place int, title string, artist string, spotify_id string"
NO_NIGHT_YET = "no night has built lists for this listener yet: run_ingestion.py run"
WHY_EMPTY = {
    "rediscover": f"nothing was played {REDISCOVER_PLAYS} times and not for {REDISCOVER_DAYS} days",
    "from_matches": "there is no match yet whose tracks are new to them",
    "current_mood": "it is not known how they feel of late: `mood current` says why",
}


@dataclass(frozen=True)
class Recommendation:
    """A track to play, as it is told to a person; `score` is None where a service gave none."""

    track_id: str
    artist_name: str
    track_name: str
    spotify_id: str | None
    score: float | None
    reasons: tuple[str, ...]


def given_mood(text: str) -> dict[str, float]:
    """A mood vector as it is typed (happy=.7,relaxed=.3, or one word for all of it), to shares that sum to 1.

    Raises UsageError for other words, numbers that are none or outside of 0-100, and a mood named twice.
    """
    moods: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = (piece.strip() for piece in part.partition("="))
        try:
            value = float(number) if "=" in part else 1.0
        except ValueError:
            value = math.nan
        if name not in MOODS or name in moods:
            raise UsageError(f"--mood {part!r}: give each of {', '.join(MOODS)} once at most, such as happy=.7,sad=.3")
        if not 0 <= value <= MOST_OF_A_MOOD:
            raise UsageError(f"--mood {part!r}: a number from 0 to {MOST_OF_A_MOOD}, such as happy=.7,sad=.3")
        moods[name] = value
    total = sum(moods.values())
    if not total:
        raise UsageError("--mood: at least one mood above 0, such as happy=.7,relaxed=.3")
    return {mood: moods.get(mood, 0.0) / total for mood in MOODS}


def stored_list(lake: Lake, user: str, name: str, limit: int) -> list[Recommendation]:
    """A list of the last night. Raises UsageError for an unknown listener or list, TooLittleDataError where a list is
    empty, saying why."""
    if name not in RECOMMENDATION_LISTS:
        raise UsageError(f"no list {name!r}; known: {', '.join(RECOMMENDATION_LISTS)}")
    user_id = listener(lake, user)
    rows = lake.read(TABLE).where((F.col("user_id") == user_id) & (F.col("list") == name)).orderBy("rank").collect()
    if not rows and lake.read(TABLE).where(F.col("user_id") == user_id).isEmpty():
        raise TooLittleDataError(NO_NIGHT_YET)
    told = _told(lake, user, rows)[:limit]
    if not told:
        raise TooLittleDataError(f"the list {name} is empty: {WHY_EMPTY.get(name, 'no track of the lake fits')}")
    return told


def by_mood(
    lake: Lake, user: str, mood: Mapping[str, float], limit: int, *, exact_up_to_users: int
) -> list[Recommendation]:
    """The tracks nearest to a mood and a listener's taste, worked out now from the tables as they stand; of more
    listeners than that as the night does it, out of candidates.

    What the listener likes and does not is taken as they said it last. Raises UsageError for an unknown listener,
    TooLittleDataError for one whom no night has seen yet, and where no track of the lake has a mood.
    """
    user_id = listener(lake, user)
    if lake.read("silver.users").where(F.col("user_id") == user_id).isEmpty():
        raise TooLittleDataError(NO_NIGHT_YET)
    step = next(step for step in STEPS if step.table == TABLE)
    inputs = {table.split(".")[1]: lake.read(table) for table in step.reads}
    inputs["track_feedback"] = last_words(track_feedback=lake.read(FEEDBACK))
    worked_out = for_mood
    if lake.has_more_rows("silver.users", exact_up_to_users):
        from jobs import distributed

        worked_out = partial(distributed.for_mood, lake.spark)
    rows = worked_out(user_id, mood, limit, inputs=inputs, as_of_date=_today()).orderBy("rank").collect()
    if not rows:
        raise TooLittleDataError(
            "no track of the lake has a mood yet: import a catalogue, or fetch features, and `run`"
        )
    return _told(lake, user, rows)


def asked(client: Callable[[], MoodAPIClient], mood: Mapping[str, float], limit: int) -> tuple[list[Song], str]:
    """Songs that the AI service has for a mood, or none and why: a service that fails stops nobody."""
    try:
        songs = client().recommend(Mood(**mood), min(2 * limit, MOST_ASKED))  # some are not in the lake
    except ClientError as error:
        return [], str(error)
    return songs, "" if songs else "The AI service has no songs for this mood."


def of_service(lake: Lake, user: str, songs: Sequence[Song], limit: int) -> list[Recommendation]:
    """The songs of a service that the lake has, in the service's order, less what the listener does not want to hear;
    at most 2 of an artist. Raises UsageError for an unknown listener."""
    user_id = listener(lake, user)
    told = {row["place"]: row for row in _tracks_of(lake, songs)}
    disliked = _disliked(lake, user_id)
    found: dict[str, Recommendation] = {}
    artists: dict[str, int] = {}
    for place, song in enumerate(songs):
        row = told.get(place)
        if row is None or row["track_id"] in found or row["track_id"] in disliked:
            continue
        artists[row["artist_id"]] = artists.get(row["artist_id"], 0) + 1
        if artists[row["artist_id"]] <= OF_AN_ARTIST:
            found[row["track_id"]] = Recommendation(
                row["track_id"], row["artist_names"][0], row["track_name"], row["spotify_id"], song.score,
                ("the AI service says so",),
            )  # fmt: skip
    return list(found.values())[:limit]


def print_recommendations(found: Sequence[Recommendation], console: Console) -> None:
    """A line a track: place, artist and title, score and why."""
    for place, one in enumerate(found, 1):
        score = "" if one.score is None else f" ({one.score:.2f})"
        why = f": {'; '.join(one.reasons)}" if one.reasons else ""
        line = f"{place:>3}  {one.artist_name} - {one.track_name}{score}{why}"
        console.print(line, markup=False, soft_wrap=True)


def queue_all(found: Iterable[Recommendation], queue: Callable[[str], None]) -> tuple[int, int]:
    """Queue in order what has a Spotify id. Returns how many were queued and how many have none.

    Raises the ClientError of the first that fails, saying how many were queued before.
    """
    queued = without_id = 0
    for one in found:
        if one.spotify_id is None:
            without_id += 1
            continue
        try:
            queue(one.spotify_id)
        except ClientError as error:
            error.remedy = f"{queued} were queued before. {error.remedy}"
            raise
        queued += 1
    return queued, without_id


def _today() -> date:
    return datetime.now(UTC).date()


# --- from ids to words


def _told(lake: Lake, user: str, rows: Sequence[Row]) -> list[Recommendation]:
    """Rows of the table as a person reads them, less those that rest on somebody who is no match any more, and those of
    tracks that silver calls otherwise since gold was built."""
    reasons = [reason for row in rows for reason in row["reasons"]]
    ids = {kind: sorted({r["id"] for r in reasons if r["kind"] == kind and r["id"]}) for kind in _kinds(reasons)}
    matches = _seen_matches(lake, user) if "match" in ids else {}
    named = {row["track_id"] for row in rows}.union(ids.get("session", []), ids.get("sound", []))
    tracks = {row["track_id"]: row for row in _tracks(lake, sorted(named))}
    artists = artist_names(lake, ids.get("artist", []))
    known: dict[str, Mapping[str, object]] = {"artist": artists, "session": tracks, "sound": tracks}
    told = []
    for row in rows:
        if any(reason["kind"] == "match" and reason["id"] not in matches for reason in row["reasons"]):
            continue
        if (track := tracks.get(row["track_id"])) is None:
            continue
        standing = [one for one in row["reasons"] if one["kind"] not in known or one["id"] in known[one["kind"]]]
        words = tuple(_words(reason, tracks, artists, matches) for reason in standing)
        told.append(
            Recommendation(
                row["track_id"], track["artist_names"][0], track["track_name"], track["spotify_id"], row["score"], words
            )
        )
    return told


def _words(reason: Row, tracks: Mapping[str, Row], artists: Mapping[str, str], matches: Mapping[str, str]) -> str:
    id_, value = reason["id"], reason["value"]
    match reason["kind"]:
        case "match":
            return f"your match {matches[id_]}"
        case "mood":
            return f"mood distance {value:.2f}"
        case "plays":
            return f"you played it {value:.0f} times"
        case "days_ago":
            return f"last {value:.0f} days ago"
        case "liked":
            return "you like it"
        case "artist":
            return f"because you play {artists[id_]}"
        case "session":
            return f"same session as {_named(tracks[id_])}"
        case "sound":
            return f"sounds like {_named(tracks[id_])}"
        case "genre":
            return f"{id_}, {value:.0%} of what you play"
        case "listeners":
            return "1 listener here plays it" if value == 1 else f"{value:.0f} here play it"
        case kind:
            return f"{kind} {value:.0f}"


def _named(track: Row) -> str:
    return f"{track['artist_names'][0]} - {track['track_name']}"


def _kinds(reasons: Iterable[Row]) -> list[str]:
    return sorted({reason["kind"] for reason in reasons})


def _tracks(lake: Lake, ids: Sequence[str]) -> list[Row]:
    if not ids:
        return []
    rows = lake.read("silver.tracks").where(F.col("track_id").isin(*ids))
    return rows.select("track_id", "artist_id", "artist_names", "track_name", "spotify_id").collect()


def _seen_matches(lake: Lake, user: str) -> dict[str, str]:
    """Who is a match as choices stand now, as the listener may be told of them."""
    try:
        return {match.user_id: match.who for match in matches_of(lake, user)}
    except TooLittleDataError:
        return {}


def _tracks_of(lake: Lake, songs: Sequence[Song]) -> list[Row]:
    """The track of each song by its place: by any Spotify id of it, else by names, of several the most popular."""
    given = [(place, song.title, song.artist, song.spotify_id) for place, song in enumerate(songs)]
    wanted = lake.spark.createDataFrame(given, SONG_COLUMNS).select(
        "place",
        F.col("spotify_id").alias("wanted_id"),
        artist_key(F.col("artist")).alias("wanted_artist"),
        title_key(F.col("title")).alias("wanted_title"),
    )
    columns = ("track_id", "artist_id", "artist_names", "track_name", "spotify_id", "popularity")
    tracks = lake.read("silver.tracks").select(*columns)
    asked = wanted.where("wanted_id IS NOT NULL").withColumnRenamed("wanted_id", "spotify_id")
    meant = tracks_by_spotify_id(lake).join(F.broadcast(asked), "spotify_id").select("track_id", "place")
    by_id = tracks.join(F.broadcast(meant), "track_id").select("place", *columns)
    is_artist = artist_key(F.get("artist_names", F.lit(0))) == F.col("wanted_artist")
    by_name = tracks.join(F.broadcast(wanted), is_artist & (title_key(F.col("track_name")) == F.col("wanted_title")))
    named = by_name.select("place", *columns, F.lit(1).alias("way"))
    found = by_id.withColumn("way", F.lit(0)).unionByName(named)
    order = F.struct("way", (-F.coalesce("popularity", F.lit(-1))).alias("unpopular"), "track_id")
    return (
        found.groupBy("place")
        .agg(F.min_by(F.struct(*columns), order).alias("best"))
        .select("place", "best.*")
        .collect()
    )


def _disliked(lake: Lake, user_id: str) -> set[str]:
    """Tracks that the listener does not want to hear, as they said it last."""
    said = last_words(track_feedback=lake.read(FEEDBACK).where(F.col("user_id") == user_id))
    identities, catalogue = lake.read("silver.track_identities"), lake.read("silver.catalogue_tracks")
    words = verdicts(said, identities, catalogue).where("NOT is_liked")
    return {row["track_id"] for row in words.collect()}
