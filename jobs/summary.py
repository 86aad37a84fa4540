"""What a run tells a person: coverage, a few listeners' moods, top artists, where the lake is, what to type next."""

from __future__ import annotations

from dataclasses import dataclass

from pyspark.sql import functions as F
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobs.recordings import artist_names
from jobs.runtime.lake import Lake
from schemas.vocab import MEASURED_SOURCES, MOODS
from transformations.gold.feature_coverage import EVERYONE

SHOWN_LISTENERS = 6
SHOWN_ARTISTS = 1
BAR_CELLS = 5
ARTIST_WIDTH = 17  # the whole table fits a terminal of 80
COLOURS = {"happy": "yellow", "angry": "red", "sad": "blue", "relaxed": "green"}


@dataclass(frozen=True)
class Coverage:
    """How much of what was played has features, and how much of it measured ones."""

    covered: int
    measured: int
    total: int
    of: str

    def __str__(self) -> str:
        told = f"Coverage: {self.covered}/{self.total} = {self._share(self.covered)} of {self.of}"
        return told if self.measured == self.covered else f"{told}, {self._share(self.measured)} measured"

    def _share(self, count: int) -> str:
        return f"{100 * count / self.total if self.total else 0.0:.1f} %"


def coverage(lake: Lake) -> tuple[Coverage, Coverage, dict[str, int]]:
    """Coverage of plays and of distinct tracks, and plays by feature_source, of the newest run."""
    newest = (
        lake.read("gold.feature_coverage").where(F.col("user_id") == EVERYONE).orderBy(F.col("run_date").desc()).first()
    )
    if newest is None:
        return Coverage(0, 0, 0, "plays"), Coverage(0, 0, 0, "distinct tracks"), {}
    plays, tracks = dict(newest["listens_by_source"]), dict(newest["tracks_by_source"])
    return (
        Coverage(newest["covered_listen_count"], _measured(plays), newest["listen_count"], "plays"),
        Coverage(newest["covered_track_count"], _measured(tracks), newest["track_count"], "distinct tracks"),
        plays,
    )


def _measured(by_source: dict[str, int]) -> int:
    return sum(count for source, count in by_source.items() if source in MEASURED_SOURCES)


def print_coverage(lake: Lake, console: Console) -> None:
    plays, tracks, by_source = coverage(lake)
    console.print(str(plays), highlight=False)
    console.print(str(tracks), highlight=False)
    if by_source:
        sources = ", ".join(f"{source} {count}" for source, count in sorted(by_source.items()))
        console.print(f"Plays by feature_source: {sources}", highlight=False)


def print_profiles(lake: Lake, console: Console) -> None:
    """The listeners with the most plays: their moods over all time and of late, and their top artists."""
    profiles = lake.read("gold.user_mood_profiles")
    listeners = (
        profiles.where(F.col("period") == "all")
        .join(lake.read("silver.users").select("user_id", "display_name"), "user_id")
        .orderBy(F.col("listen_count").desc(), "display_name")
        .limit(SHOWN_LISTENERS)
        .collect()
    )
    if not listeners:
        console.print("No listener yet: import a history first.")
        return
    ids = [row["user_id"] for row in listeners]
    current = {
        row["user_id"]: row
        for row in profiles.where((F.col("period") == "current") & F.col("user_id").isin(*ids)).collect()
    }
    stats = lake.read("gold.listening_stats").where(
        (F.col("period") == "all") & (F.col("entity") == "artist") & (F.col("rank") <= SHOWN_ARTISTS)
    )
    most = stats.where(F.col("user_id").isin(*ids)).orderBy("user_id", "rank").collect()
    called = {row["entity_id"]: row["name"] for row in most}
    called |= artist_names(lake, sorted(called))
    artists: dict[str, list[str]] = {}
    for row in most:
        artists.setdefault(row["user_id"], []).append(called[row["entity_id"]])

    table = plain_table("How your listeners feel (% of plays)")
    table.add_column("listener", no_wrap=True)
    table.add_column("plays", justify="right")
    for mood in MOODS:
        table.add_column(mood, style=COLOURS[mood], no_wrap=True)
    table.add_column("of late", no_wrap=True)
    table.add_column("plays most")
    for row in listeners:
        late = current.get(row["user_id"])
        told = late["dominant_mood"] if late and late["status"] == "ok" else _why(late["status"] if late else None)
        table.add_row(
            escape(row["display_name"]),
            f"{row['listen_count']:,}",
            *[share_bar(row[mood]) for mood in MOODS],
            told,
            escape(_shortened(", ".join(artists.get(row["user_id"], [])))),
        )
    console.print(table)


def plain_table(title: str) -> Table:
    """A table without lines between its columns, which fits into a narrow terminal."""
    return Table(title=escape(title), title_justify="left", header_style="bold", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))


def share_bar(value: float | None) -> str:
    """A share as a percentage and a bar, a dash where there is none."""
    return "-" if value is None else f"{100 * value:2.0f} {'▇' * round(value * BAR_CELLS)}"


def _shortened(text: str) -> str:
    return text if len(text) <= ARTIST_WIDTH else f"{text[: ARTIST_WIDTH - 1]}…"


def _why(status: str | None) -> str:
    return {"too_few_plays": "too few plays", "no_features": "tracks unknown"}.get(status or "", "-")
