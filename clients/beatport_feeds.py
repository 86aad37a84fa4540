"""Beatport's bronze streams: the charts of chosen genres, and the tracks, releases, artists and labels in them.

The trap: an item that is restricted or gone is left out; it must not end the night.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Any

import structlog

from clients.beatport_api import BeatportAPIClient
from clients.beatport_errors import BeatportNotFoundError, BeatportRestrictedError
from clients.beatport_views import BeatportItem
from clients.feeds import Batch

BATCH_SIZE = 100  # details, each a request of 0.5 s: what a crash costs at most

log = structlog.get_logger()


class BeatportGenres:
    """All genres, raw."""

    stream = "beatport_genres"

    def __init__(self, client: BeatportAPIClient) -> None:
        self._client = client

    def records(self) -> Iterator[Batch]:
        yield Batch([genre.raw for genre in self._client.iter_genres()])


class BeatportCharts:
    """`{kind, genre_id, track_ids, chart}`: top_100 and hype_100 with their tracks in order, dj with a raw chart."""

    stream = "beatport_charts"

    def __init__(self, client: BeatportAPIClient) -> None:
        self._charts = client.genre_charts

    def records(self) -> Iterator[Batch]:
        for genre in self._charts.genre_ids:
            hundreds = [
                _chart(kind, genre, track_ids=[track.id for track in self._charts.hundred(kind, genre)])
                for kind in ("top_100", "hype_100")
            ]
            made = [_chart("dj", genre, raw=chart.raw) for chart in self._charts.client.charts(genre)]
            yield Batch(hundreds + made)


class BeatportTracks:
    """The tracks in the charts, raw as the charts have them."""

    stream = "beatport_tracks"

    def __init__(self, client: BeatportAPIClient) -> None:
        self._charts = client.genre_charts

    def records(self) -> Iterator[Batch]:
        yield Batch([track.raw for track in self._charts.tracks()])


class BeatportReleases:
    """The releases of the charted tracks, in detail."""

    stream = "beatport_releases"

    def __init__(self, client: BeatportAPIClient) -> None:
        self._charts = client.genre_charts

    def records(self) -> Iterator[Batch]:
        releases = [track.release for track in self._charts.tracks()]
        return _details(self._charts.client.get_release, (release.id for release in releases if release))


class BeatportArtists:
    """The artists and remixers of the charted tracks, in detail."""

    stream = "beatport_artists"

    def __init__(self, client: BeatportAPIClient) -> None:
        self._charts = client.genre_charts

    def records(self) -> Iterator[Batch]:
        tracks = self._charts.tracks()
        people = (
            person for track in tracks for name in ("artists", "remixers") for person in track.raw.get(name) or ()
        )
        return _details(self._charts.client.get_artist, _ids(people))


class BeatportLabels:
    """The labels of the charted tracks, in detail."""

    stream = "beatport_labels"

    def __init__(self, client: BeatportAPIClient) -> None:
        self._charts = client.genre_charts

    def records(self) -> Iterator[Batch]:
        releases = (track.raw.get("release") or {} for track in self._charts.tracks())
        return _details(self._charts.client.get_label, _ids(release.get("label") for release in releases))


def _chart(kind: str, genre_id: int, *, track_ids: list[int] | None = None, raw: Any = None) -> dict[str, Any]:
    return {"kind": kind, "genre_id": genre_id, "track_ids": track_ids, "chart": raw}


def _ids(raws: Iterable[Any]) -> Iterator[int]:
    return (raw["id"] for raw in raws if isinstance(raw, dict) and isinstance(raw.get("id"), int))


def _details(get: Callable[[int], BeatportItem], ids: Iterable[int]) -> Iterator[Batch]:
    """Each once, as far as Beatport shows it."""
    rest = iter(dict.fromkeys(ids))
    while some := list(islice(rest, BATCH_SIZE)):
        found = [_shown(get, item_id) for item_id in some]
        yield Batch([item.raw for item in found if item is not None])


def _shown(get: Callable[[int], BeatportItem], item_id: int) -> BeatportItem | None:
    try:
        return get(item_id)
    except (BeatportRestrictedError, BeatportNotFoundError) as error:
        log.info("item_left_out", service=error.service, item=item_id, error=type(error).__name__)
        return None
