"""`train`: fit a model of the lake's songs and labels of yours, and write the coefficients that builds use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jobs.runtime.errors import UsageError
from jobs.runtime.settings import absolute_path, load_settings
from jobs.terminal import open_lake, out

if TYPE_CHECKING:
    from jobs.mood_model import CrossValidated
    from jobs.training import Trained

train_app = typer.Typer(help="Fit a model that builds use; the next run follows it.", rich_markup_mode=None)


@train_app.command(
    "mood",
    epilog="Examples: run_ingestion.py train mood --labels moods.csv --dry-run  |  "
    "run_ingestion.py train mood --labels moods.csv --about 'my own labels, CC0'",
)
def mood(
    labels: Annotated[
        Path, typer.Option("--labels", metavar="CSV", help="Songs with moods: columns Artist, Song, Emotion.")
    ],
    out_path: Annotated[
        Path | None, typer.Option("--out", metavar="PATH", help="The artefact; mood_sound.json in MODEL__DIR.")
    ] = None,
    about: Annotated[
        str | None, typer.Option("--about", metavar="TEXT", help="What the labels are and their licence, for the file.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how good it would be, write nothing.")] = False,
) -> None:
    """Fit the mood of a track from its sound: coefficients alone are written, never a label."""
    from jobs.training import read_labels, train
    from schemas.models.mood_sound import NAME

    rows = read_labels(labels)
    path = out_path or absolute_path(load_settings().model.dir) / f"{NAME}.json"
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"--out {path}: give a file in a folder that is there")
    with open_lake("train mood", writes=False) as (lake, settings):
        told = f"{labels.name}; licence not stated" if about is None else about
        trained = train(lake, rows, about=told, with_api_rows=settings.model.train_on_api_rows)
    tell(trained)
    if dry_run:
        out.print(f"nothing written (dry run); it would be version {trained.model.version}")
        return
    path.write_text(trained.text(), encoding="utf-8")
    out.print(f"wrote {path}, version {trained.model.version}", soft_wrap=True)


def tell(trained: Trained) -> None:
    """What was learned from, what was left out, and how good it is."""
    data = trained.data
    out.print(
        f"labels: {data.label_rows:,} rows of {data.label_songs:,} songs; {len(data.songs):,} used, {data.two_moods:,} "
        f"with two moods, {data.not_in_lake:,} not in the lake, {data.without_features:,} with nothing to learn from",
        soft_wrap=True,
    )
    for source, count in data.used.items():
        out.print(f"  {source}: {count:,} tracks used")
    for source, count in data.left_out.items():
        out.print(f"  {source}: {count:,} tracks left out{_why(source)}")
    out.print(f"population: {data.population.song_count:,} songs")
    out.print(f"fitted: {_figures(trained.figures)}", soft_wrap=True)
    out.print(f"hand-drawn quadrants: {_figures(trained.hand_drawn)}", soft_wrap=True)


def _why(source: str) -> str:
    from jobs.training import API_SOURCES

    return " (MODEL__TRAIN_ON_API_ROWS=false)" if source in API_SOURCES else ""


def _figures(of: CrossValidated) -> str:
    mean = of.mean()
    return (
        f"accuracy {mean.accuracy:.3f}, macro-F1 {mean.macro_f1:.3f}, Brier {mean.brier:.3f}, ECE {mean.ece:.3f} "
        f"({of.ece_by_chance:.3f} by chance alone)"
    )
