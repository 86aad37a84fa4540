"""What each account keeps of its listener's plays, and from when on (grain: one play in one account).

Spotify stamps most plays at their end and some at their start; scrobblers stamp the start in whole seconds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property

from sandbox.catalogue import Track
from sandbox.listeners import Listener, Play
from sandbox.services.clock import from_ms
from sandbox.services.library import chance

SPOTIFY_MIN_MS = 30_000  # shorter plays do not reach recently played
SPOTIFY_REACH = 50  # plays: nothing older can be had
START_STAMP_SHARE = 0.15  # of Spotify's plays are stamped at their start
LOCAL_EVERY = 10  # with spotify.local_tracks
TIE_EVERY = 20  # ListenBrainz: so often a second device scrobbles at the same second


@dataclass(frozen=True, slots=True)
class Entry:
    """A play as an account has it; equal to another of the same start and track.

    `stamp_ms` is the time by which the service knows it, `end_ms` the time from when on it is listed.
    """

    start_ms: int
    track_id: str  # Spotify's
    end_ms: int = field(compare=False)
    ms_played: int = field(compare=False)
    stamp_ms: int = field(compare=False)
    track: Track = field(compare=False, repr=False)
    release: int = field(compare=False, repr=False)

    @property
    def started_at(self) -> datetime:
        return from_ms(self.start_ms)

    @property
    def stamped_at(self) -> datetime:
        return from_ms(self.stamp_ms)


class History:
    """One account's entries in time order, made when they are asked for first: most runs touch few accounts."""

    def __init__(self, make: Callable[[], Sequence[Entry]]) -> None:
        self._make = make
        self.served: set[Entry] = set()  # what an answer that reached its end has shown

    @cached_property
    def entries(self) -> Sequence[Entry]:
        return self._make()

    @cached_property
    def _ends(self) -> list[int]:
        return [entry.end_ms for entry in self.entries]

    def listed(self, now_ms: int) -> Sequence[Entry]:
        """All that are listed at that moment, the oldest first."""
        return self.entries[: bisect_right(self._ends, now_ms)]

    def between(self, start_ms: int, end_ms: int) -> list[Entry]:
        return [entry for entry in self.entries if start_ms <= entry.start_ms < end_ms]

    def next_ends(self, now_ms: int, count: int) -> int:
        """When `count` more will be listed (epoch ms); the last one's end where there are fewer."""
        if not self._ends:
            return now_ms
        return self._ends[min(len(self._ends), bisect_right(self._ends, now_ms) + count) - 1]


def spotify_plays(listener: Listener, plays: Sequence[Play]) -> list[Entry]:
    entries = []
    for play in plays:
        if play.track and play.ms_played >= SPOTIFY_MIN_MS:
            at_start = chance(listener.name, "stamp", play.start_ms) < START_STAMP_SHARE
            entries.append(_entry(play, play.track, play.start_ms if at_start else play.end_ms))
    return entries


def scrobbles(plays: Sequence[Play]) -> list[Entry]:
    """What counts as a listen, stamped at its start: Last.fm."""
    return [_entry(p, p.track, p.start_ms // 1000 * 1000) for p in plays if p.track and p.counts_as_listen]


def listens(listener: Listener, plays: Sequence[Play]) -> list[Entry]:
    """As `scrobbles`, with some listens of a second device at the very same second: ListenBrainz."""
    entries: list[Entry] = []
    for number, entry in enumerate(scrobbles(plays)):
        entries.append(entry)
        if number % TIE_EVERY == TIE_EVERY - 1:
            other = listener.tracks[number % len(listener.tracks)]
            if other is not entry.track:
                entries.append(replace(entry, track=other, release=0, track_id=other.releases[0].track_id))
    return entries


def _entry(play: Play, track: Track, stamp_ms: int) -> Entry:
    return Entry(
        start_ms=play.start_ms,
        track_id=track.releases[play.release].track_id,
        end_ms=play.end_ms,
        ms_played=play.ms_played,
        stamp_ms=stamp_ms,
        track=track,
        release=play.release,
    )


def iso(epoch_ms: int, *, milliseconds: bool) -> str:
    """Z-time, as Spotify writes it."""
    moment = datetime.fromtimestamp(epoch_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{epoch_ms % 1000:03d}Z" if milliseconds else f"{moment}Z"
