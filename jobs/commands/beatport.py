"""`beatport`: its search, charts, genres and tracks as tables on the terminal; nothing of it is stored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from jobs.runtime.errors import UsageError
from jobs.terminal import open_services, out

if TYPE_CHECKING:
    from clients.beatport_views import BeatportTrack

KINDS = ("tracks", "releases", "artists", "labels")
MINUTE_MS = 60_000

beatport_app = typer.Typer(help="Look around at Beatport: search, charts, genres, a track.", rich_markup_mode=None)

Genre = Annotated[int | None, typer.Option("--genre", min=1, help="Of one genre; `beatport genres` lists their ids.")]


@beatport_app.command(
    "search", epilog="Example: run_ingestion.py beatport search 'night drive' --kind releases --label 1234"
)
def search(
    query: Annotated[str, typer.Argument(metavar="WORDS", help="What to look for.")],
    kind: Annotated[str, typer.Option("--kind", help=f"One of: {', '.join(KINDS)}.")] = "tracks",
    genre: Genre = None,
    label: Annotated[int | None, typer.Option("--label", min=1, help="Tracks and releases of one label.")] = None,
    page: Annotated[int, typer.Option("--page", min=1)] = 1,
    per_page: Annotated[int, typer.Option("--per-page", min=1, max=100)] = 25,
) -> None:
    """Tracks, releases, artists or labels by words."""
    if not query.strip():
        raise UsageError("there is nothing to search for")
    if kind not in KINDS:
        raise UsageError(f"--kind {kind!r}: one of {', '.join(KINDS)}")
    client = open_services().beatport
    if kind == "tracks":
        found = client.search_tracks(query, genre_id=genre, label_id=label, page=page, per_page=per_page)
        _print_tracks(found)
    elif kind == "releases":
        releases = client.search_releases(query, genre_id=genre, label_id=label, page=page, per_page=per_page)
        rows = [
            (r.id, r.name, ", ".join(r.artist_names), r.label, r.catalogue_number, r.publish_date) for r in releases
        ]
        _print(("id", "release", "artists", "label", "number", "published"), rows)
    elif kind == "artists":
        artists = client.search_artists(query, genre_id=genre, page=page, per_page=per_page)
        _print(("id", "artist"), [(artist.id, artist.name) for artist in artists])
    else:
        labels = client.search_labels(query, page=page, per_page=per_page)
        _print(("id", "label"), [(one.id, one.name) for one in labels])


@beatport_app.command("top", epilog="Example: run_ingestion.py beatport top --genre 5")
def top(genre: Genre = None) -> None:
    """The top 100, of all or of a genre."""
    _print_tracks(open_services().beatport.top_100(genre), ranked=True)


@beatport_app.command("hype", epilog="Example: run_ingestion.py beatport hype --genre 5")
def hype(genre: Genre = None) -> None:
    """The hype 100, of all or of a genre."""
    _print_tracks(open_services().beatport.hype_100(genre), ranked=True)


@beatport_app.command("genres")
def genres() -> None:
    """The genres with their ids, for --genre and BEATPORT_GENRE_IDS."""
    _print(("id", "genre"), [(genre.id, genre.name) for genre in open_services().beatport.iter_genres()])


@beatport_app.command("track", epilog="Example: run_ingestion.py beatport track 1234567")
def track(track_id: Annotated[int, typer.Argument(metavar="ID", min=1)]) -> None:
    """All that is known of a track."""
    found = open_services().beatport.get_track(track_id)
    table = Table(show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in _details(found):
        if value:
            table.add_row(name, str(value))
    out.print(table)


def _details(found: BeatportTrack) -> list[tuple[str, object]]:
    return [
        ("title", found.full_title),
        ("artists", ", ".join(found.artist_names)),
        ("remixers", ", ".join(found.remixers)),
        ("bpm", found.bpm),
        ("key", found.key),
        ("genre", found.genre),
        ("sub-genre", found.sub_genre),
        ("release", found.release.name if found.release else None),
        ("label", found.label),
        ("number", found.catalogue_number),
        ("published", found.publish_date),
        ("length", _minutes(found.length_ms)),
        ("ISRC", found.isrc),
        ("preview", found.preview),
    ]


def _minutes(length_ms: int | None) -> str:
    return f"{length_ms // MINUTE_MS}:{length_ms % MINUTE_MS // 1000:02}" if length_ms else ""


def _print_tracks(tracks: Sequence[BeatportTrack], *, ranked: bool = False) -> None:
    columns = ("id", "title", "artists", "bpm", "key", "genre", "label")
    rows: list[tuple[object, ...]] = [
        (one.id, one.full_title, ", ".join(one.artist_names), one.bpm, one.key, one.genre, one.label) for one in tracks
    ]
    if ranked:
        _print(("rank", *columns), [(rank, *row) for rank, row in enumerate(rows, start=1)])
    else:
        _print(columns, rows)


def _print(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    if not rows:
        out.print("Beatport has nothing of the kind.")
        return
    table = Table(*columns, header_style="bold")
    for column in table.columns:
        column.overflow = "fold"
    for row in rows:
        table.add_row(*(escape(str(value)) if value is not None else "-" for value in row))
    out.print(table)
