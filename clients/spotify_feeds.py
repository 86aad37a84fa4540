"""Spotify for the ingest job: plays and top items per account, tracks and audio features per track.

The trap: a play may be listed hours after it was heard, with a time that is its start or its end, and only the last 50
are in reach; so every fetch takes all that is in reach, whatever the window, and repeats are for the merge to drop.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from clients.feeds import Account, Answer, Batch, Gap, TrackQuery, Window
from clients.spotify_api import FEATURES_BATCH, PAGE, Entity, SpotifyAPIClient, TimeRange
from clients.spotify_errors import EndpointClosedError

# How late a play may be listed and how far its time may drift (issue: 2 h overlap). What is in reach must go back so
# far before the newest play stored, or plays may be missing.
OVERLAP = timedelta(hours=2)
TOP_LISTS: tuple[tuple[Entity, TimeRange], ...] = (
    ("artists", "short_term"),
    ("artists", "medium_term"),
    ("artists", "long_term"),
    ("tracks", "short_term"),
    ("tracks", "medium_term"),
    ("tracks", "long_term"),
)
BEYOND_REACH = "Spotify lists about 50 plays, and they do not go back to the newest that was stored"

_TRACK_ID = re.compile(r"[0-9A-Za-z]{22}")  # one of another shape fails the whole request


class SpotifyPlays:
    """Recently played tracks: the items as sent, newest first, a batch for each page and an empty one at the end.

    - The window's start is the watermark: when the newest play stored was heard. The batches have all plays in reach,
      also those before the start (listed late) and after the end (they may be out of reach by the next run).
    - `covered_to`, of the last batch, is the newest play, not the window's end: a play before the end may not be listed
      yet. It never passes the end, and is None where nothing is newer than the start.
    - A gap (`possible`) from the overlap before the start to the oldest play, where that play is later than both: what
      was heard between may have fallen out of reach, or been listed there too late. Without a start, where no fetch has
      succeeded yet, it counts from when the account was connected.
    """

    stream = "spotify_plays"

    def __init__(self, client: SpotifyAPIClient) -> None:
        self._client = client

    def batches(self, account: Account, window: Window, limit: int | None = None) -> Iterator[Batch]:
        """With `limit`, the newest so many, then no gap and no `covered_to` unless that is all there is."""
        back_to = window.start - OVERLAP if window.start else None
        times: list[datetime] = []
        left = limit
        for page in self._client.iter_recent_pages(_token_name(account), back_to=back_to):
            yield Batch(page[:left])
            times += filter(None, map(_played_at, page))
            if left is not None:
                left -= len(page)
                if left <= 0:
                    return
        if times:
            newest, oldest = min(max(times), window.end), min(times)
            due = back_to or account.connected_at
            gaps = [_gap(due, oldest, window.end)] if due and oldest > due else []
            yield Batch([], gaps, newest if window.start is None or newest > window.start else None)

    def check(self, account: Account) -> str:
        items = self._client.get_recently_played(_token_name(account), limit=1)["items"]
        newest = _played_at(items[0]) if items else None
        found = f"the last at {newest:%Y-%m-%d %H:%M} UTC" if newest else "none yet"
        return _with_warning(self._client, account, f"Spotify lists recent plays, {found}.")


class SpotifyTopItems:
    """Top artists and tracks over three ranges: one batch per list, one record per item.

    A record is `{"entity", "time_range", "rank", "item"}`, the rank from 1 and the item as sent. The lists are
    snapshots without times, so the window only says how far the last batch covers: to its end.
    """

    stream = "spotify_top_items"

    def __init__(self, client: SpotifyAPIClient) -> None:
        self._client = client

    def batches(self, account: Account, window: Window, limit: int | None = None) -> Iterator[Batch]:
        """Six batches, the last with `covered_to`; with `limit` so many records at most, and no `covered_to`."""
        left = limit
        for entity, time_range in TOP_LISTS:
            if left is not None and left <= 0:
                return
            items = self._client.get_top_items(_token_name(account), entity, time_range)["items"][:left]
            records = [
                {"entity": entity, "time_range": time_range, "rank": rank, "item": item}
                for rank, item in enumerate(items, start=1)
            ]
            is_last = limit is None and (entity, time_range) == TOP_LISTS[-1]
            yield Batch(records, covered_to=window.end if is_last else None)
            left = None if left is None else left - len(records)

    def check(self, account: Account) -> str:
        items = self._client.get_top_items(_token_name(account), "tracks", "medium_term", limit=1)["items"]
        found = "Spotify lists top tracks." if items else "Spotify answers, and has no top tracks yet."
        return _with_warning(self._client, account, found)


class SpotifyTracks:
    """Tracks by Spotify id. A query without a well-formed one is not asked and gets no answer."""

    stream = "spotify_tracks"
    batch_size = PAGE

    def __init__(self, client: SpotifyAPIClient) -> None:
        self._client = client

    def answers(self, queries: Iterable[TrackQuery]) -> Iterator[Answer]:
        for batch in _batches(queries, self.batch_size):
            asked = _keys_by_id(batch)
            for spotify_id, track in self._client.iter_tracks(asked):
                yield from _answered(asked[spotify_id], track)


class SpotifyAudioFeatures:
    """Audio features by Spotify id, with the app's token; queries without a well-formed id as above.

    `user` is whose token is tried where the app's is closed out. Raises EndpointClosedError for what no token gets,
    at once and without a request from then on, so that another source takes its turn.
    """

    stream = "audio_features"
    batch_size = FEATURES_BATCH

    def __init__(self, client: SpotifyAPIClient, *, user: str | None = None) -> None:
        self._client = client
        self._tokens: tuple[str | None, ...] = (None, user) if user else (None,)

    def answers(self, queries: Iterable[TrackQuery]) -> Iterator[Answer]:
        for batch in _batches(queries, self.batch_size):
            asked = _keys_by_id(batch)
            for user in self._tokens:
                for spotify_id, features in self._client.iter_audio_features(list(asked), user=user):
                    yield from _answered(asked.pop(spotify_id), features)
            if asked:
                raise EndpointClosedError("Spotify's audio features are closed to this app")


def _token_name(account: Account) -> str:
    return account.credential or account.user


def _gap(start: datetime, oldest: datetime, end: datetime) -> Gap:
    return Gap(start, max(start, min(oldest, end)), "possible", BEYOND_REACH)


def _played_at(play: dict[str, Any]) -> datetime | None:
    """When a play was heard, None where the item does not say; it may have milliseconds or not."""
    try:
        time = datetime.fromisoformat(play["played_at"])
    except (KeyError, TypeError, ValueError):
        return None
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _with_warning(client: SpotifyAPIClient, account: Account, words: str) -> str:
    warning = client.user_auth.expiry_warning(_token_name(account))
    return f"{words} {warning}" if warning else words


def _batches(queries: Iterable[TrackQuery], size: int) -> Iterator[list[TrackQuery]]:
    remaining = iter(queries)
    while batch := list(islice(remaining, size)):
        yield batch


def _keys_by_id(queries: list[TrackQuery]) -> dict[str, list[str]]:
    keys: defaultdict[str, list[str]] = defaultdict(list)
    for query in queries:
        if query.spotify_id and _TRACK_ID.fullmatch(query.spotify_id):
            keys[query.spotify_id].append(query.track_key)
    return dict(keys)


def _answered(track_keys: list[str], payload: dict[str, Any] | None) -> Iterator[Answer]:
    for key in track_keys:
        yield Answer(key, "unknown" if payload is None else "found", payload)
