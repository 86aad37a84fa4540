"""What listeners say of tracks: which track is meant, and what is said of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from rich.console import Console

from clients.spotify_api import spotify_track_id
from jobs.people import listener
from jobs.recordings import tracks_by_spotify_id
from jobs.runtime import ops
from jobs.runtime.errors import UsageError
from jobs.runtime.lake import Lake
from jobs.runtime.publish import recover
from schemas.vocab import VERDICTS
from transformations.ids import digest
from transformations.names import artist_key, title_key
from transformations.silver.track_feedback import build as last_words

TABLE = "bronze.track_feedback"
TRACK_ID = re.compile(r"[0-9a-f]{32}")
NAMES = re.compile(r"(?P<artist>.+?)\s+[-\u2013]\s+(?P<title>.+)")  # a hyphen or a dash
SHOWN_TRACKS = 5
SAID = {"like": "likes", "dislike": "does not want to hear", "none": "says nothing of"}


@dataclass(frozen=True)
class Track:
    """A track of the lake, as it is told to a person."""

    track_id: str
    artist_name: str
    track_name: str

    def __str__(self) -> str:
        return f"{self.artist_name} - {self.track_name}"


def say(lake: Lake, user: str, track: str, verdict: str, *, now: datetime | None = None) -> tuple[Track, bool]:
    """Store what a listener says of a track: like, dislike, or none to take it back. The last word counts.

    Returns the track, and whether that is news. Raises UsageError for an unknown listener, track or verdict, and for a
    name that several tracks have.
    """
    if verdict not in VERDICTS:
        raise UsageError(f"no verdict {verdict!r}; known: {', '.join(VERDICTS)}")
    now = now or datetime.now(UTC)
    recover(lake)
    user_id = listener(lake, user)
    found = track_of(lake, track)
    if _last_word(lake, user_id, found.track_id) == verdict:
        return found, False
    row = {
        "event_id": digest("feedback", user_id, found.track_id, now.isoformat()),
        "user_id": user_id,
        "event_at": now,
        "payload": json.dumps({"track_id": found.track_id, "verdict": verdict}),
        "_source": "feedback",
        "_run_id": ops.new_run_id(),
        "_ingested_at": now,
    }
    ops.change_rows(lake, TABLE, [row], doing="feedback")
    return found, True


def said_by(lake: Lake, user: str) -> list[tuple[Track, bool]]:
    """The tracks that a listener likes (True) or does not want to hear (False), by name, as they said it last.

    Raises UsageError for an unknown listener.
    """
    words = last_words(track_feedback=lake.read(TABLE).where(F.col("user_id") == listener(lake, user)))
    rows = words.join(lake.read("silver.tracks"), "track_id").select(
        "track_id", "artist_names", "track_name", "is_liked"
    )
    found = [
        (Track(row["track_id"], row["artist_names"][0], row["track_name"]), row["is_liked"]) for row in rows.collect()
    ]
    return sorted(found, key=lambda said: (str(said[0]).casefold(), said[0].track_id))


def print_said(user: str, said: list[tuple[Track, bool]], console: Console) -> None:
    """A line a track."""
    if not said:
        console.print(f"{user} said nothing of any track yet.", markup=False)
    for track, is_liked in said:
        console.print(f"{user} {SAID['like' if is_liked else 'dislike']} {track}", markup=False, soft_wrap=True)


def track_of(lake: Lake, text: str) -> Track:
    """The track meant by a Spotify id, URI or address, a track_id of ours, or "Artist - Title".

    Raises UsageError where the lake has none such, or several of that name.
    """
    found = _meant(lake, text.strip())
    rows = found.orderBy(F.col("popularity").desc_nulls_last(), "track_id").limit(SHOWN_TRACKS).collect()
    tracks = [Track(row["track_id"], row["artist_names"][0], row["track_name"]) for row in rows]
    if not tracks:
        raise UsageError(
            f"the lake has no track {text.strip()!r}: give a Spotify id, URI or address, a track_id of the lake, or "
            "'Artist - Title'"
        )
    if len(tracks) > 1:
        told = "; ".join(f"{track.track_id} {track}" for track in tracks)
        raise UsageError(f"several tracks are called so, give the track_id of one: {told}")
    return tracks[0]


def _meant(lake: Lake, text: str) -> DataFrame:
    """The tracks that a text may mean; any Spotify id of a recording means its track."""
    tracks = lake.read("silver.tracks")
    if TRACK_ID.fullmatch(text):
        return tracks.where(F.col("track_id") == text)
    if spotify_id := spotify_track_id(text):
        meant = tracks_by_spotify_id(lake).where(F.col("spotify_id") == spotify_id)
        return tracks.join(F.broadcast(meant.select("track_id")), "track_id", "left_semi")
    if names := NAMES.fullmatch(text):
        artist, title = F.lit(names["artist"]), F.lit(names["title"])
        is_artist = artist_key(F.get("artist_names", F.lit(0))) == artist_key(artist)
        return tracks.where(is_artist & (title_key(F.col("track_name")) == title_key(title)))
    return tracks.limit(0)


def _last_word(lake: Lake, user_id: str, track_id: str) -> str:
    words = last_words(track_feedback=lake.read(TABLE).where(F.col("user_id") == user_id))
    last = words.where(F.col("track_id") == track_id).first()
    if last is None:
        return "none"
    return "like" if last["is_liked"] else "dislike"
