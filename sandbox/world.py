"""Writes a sample world (catalogue, one export per listener, manifest) for a first run without own data.

The same arguments give the same bytes; without `--end` the window ends yesterday, so the day counts as one.
"""

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random

from sandbox import exports
from sandbox.catalogue import Artist, Track, make_artists, make_tracks, write_catalogue
from sandbox.listeners import Listener, Play, make_listeners, make_plays

# Dealt to the listeners in turn. older-zip and older-folder are Spotify's former endsong layout.
LAYOUTS = (
    "spotify-extended", "spotify-account", "listenbrainz", "csv", "lastfm-1k", "older-zip", "spotify-account",
    "listenbrainz", "spotify-extended", "listenbrainz", "csv", "lastfm-1k", "older-folder",
    "spotify-extended", "spotify-account",
)  # fmt: skip
CSV_LABELS = ("diary", "radio_log")  # two files; the last one written starts with a byte order mark
LASTFM_FOLDER = "lastfm_1k"
MANIFEST = "manifest.json"
EXAMPLES = """\
examples:
  python -m sandbox.world --out var/sample
  python -m sandbox.world --out /tmp/small --listeners 6 --days 20 --end 2026-10-31
"""


@dataclass(frozen=True)
class ImportEntry:
    format: str
    path: str  # relative to the world's folder
    user: str | None = None  # None: the file names its users, or has none
    options: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class World:
    """Who there is to hear, who listens, and what each listener played, in time order, by listener's name."""

    seed: int
    end: date  # last day of the window, UTC
    days: int
    artists: list[Artist]
    tracks: list[Track]
    listeners: list[Listener]
    plays: dict[str, list[Play]]


Written = tuple[ImportEntry, int]  # with the number of records


@dataclass(frozen=True)
class ListenerEntry:
    name: str
    display_name: str
    country: str
    time_zone: str


@dataclass(frozen=True)
class Manifest:
    """What was written, in the order in which to import it; `records` (by path) stays out of the file."""

    seed: int
    end: date
    imports: tuple[ImportEntry, ...]
    listeners: tuple[ListenerEntry, ...]
    records: dict[str, int]

    def to_json(self) -> str:
        content = {
            "seed": self.seed,
            "end": self.end.isoformat(),
            "imports": [asdict(entry) for entry in self.imports],
            "listeners": [asdict(listener) for listener in self.listeners],
        }
        return json.dumps(content, ensure_ascii=False, indent=2) + "\n"

    def records_by_format(self) -> dict[str, tuple[int, int]]:
        """format -> (files, records), for the summary after a run."""
        files = Counter(entry.format for entry in self.imports)
        records: Counter[str] = Counter()
        for entry in self.imports:
            records[entry.format] += self.records[entry.path]
        return {format_: (files[format_], records[format_]) for format_ in files}


def yesterday() -> date:
    return datetime.now(UTC).date() - timedelta(days=1)


def make_world(*, seed: int = 7, listeners: int = 30, days: int = 120, end: date | None = None) -> World:
    """The world of `listeners` over the `days` up to and including `end` (UTC, yesterday), in memory."""
    if listeners < 1 or days < 1:
        raise ValueError(f"listeners and days must be at least 1, got {listeners} and {days}")
    end = end or yesterday()
    # One generator per part: a change in one does not shuffle the others.
    artists = make_artists(Random(f"{seed}/artists"))
    tracks = make_tracks(Random(f"{seed}/tracks"), artists, last_year=end.year)
    people = make_listeners(Random(f"{seed}/listeners"), listeners, days, artists, tracks)
    plays = {p.name: make_plays(Random(f"{seed}/plays/{p.name}"), p, end, days) for p in people}
    return World(seed, end, days, artists, tracks, people, plays)


def generate(out: Path, *, seed: int = 7, listeners: int = 30, days: int = 120, end: date | None = None) -> Manifest:
    """Write under `out` the world of `listeners` over the `days` up to and including `end` (UTC)."""
    world = make_world(seed=seed, listeners=listeners, days=days, end=end)
    catalogue = out / "catalogue" / "spotify_tracks.csv"
    rows = write_catalogue(catalogue, Random(f"{seed}/catalogue"), world.tracks)
    written = [(ImportEntry("kaggle-tracks", catalogue.relative_to(out).as_posix()), rows)]
    written += _write_exports(out, world)

    manifest = Manifest(
        seed=seed,
        end=world.end,
        imports=tuple(entry for entry, _ in written),
        listeners=tuple(ListenerEntry(p.name, p.display_name, p.country, p.time_zone) for p in world.listeners),
        records={entry.path: count for entry, count in written},
    )
    (out / MANIFEST).write_bytes(manifest.to_json().encode())
    return manifest


def _write_exports(out: Path, world: World) -> list[Written]:
    seed = world.seed
    written: list[Written] = []
    shared: dict[str, list[tuple[Listener, list[Play]]]] = {"csv": [], "lastfm-1k": []}
    truncated = True  # the first ListenBrainz export is the one with the broken download
    for number, listener in enumerate(world.listeners):
        plays = world.plays[listener.name]
        layout = LAYOUTS[number % len(LAYOUTS)]
        rng = Random(f"{seed}/export/{listener.name}")
        folder = out / "exports" / listener.name
        if layout in shared:
            shared[layout].append((listener, plays))
            continue
        if layout == "spotify-account":
            path, count = exports.write_spotify_account(folder, rng, plays)
        elif layout == "listenbrainz":
            path, count = exports.write_listenbrainz(folder, rng, listener, plays, truncated=truncated)
            truncated = False
        else:
            older = layout.startswith("older")
            path, count = exports.write_spotify_extended(
                folder, rng, listener, plays, older=older, zipped=layout != "older-folder"
            )
            layout = "spotify-extended"
        written.append((ImportEntry(layout, path.relative_to(out).as_posix(), listener.name), count))

    diarists = shared["csv"]
    labels = CSV_LABELS[-len(diarists) :] if diarists else ()
    for number, label in enumerate(labels):
        path = out / "exports" / label / f"{label}.csv"
        group = diarists[number :: len(labels)]
        path, count = exports.write_csv(path, Random(f"{seed}/{label}"), group, bom=label == CSV_LABELS[-1])
        entry = ImportEntry("csv", path.relative_to(out).as_posix(), options={"label": label})
        written.append((entry, count))
    if shared["lastfm-1k"]:
        folder = out / "exports" / LASTFM_FOLDER
        path, count = exports.write_lastfm_1k(folder, Random(f"{seed}/lastfm"), shared["lastfm-1k"])
        written.append((ImportEntry("lastfm-1k", path.relative_to(out).as_posix()), count))
    return written


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.world",
        description="Write a made-up world of listeners: a catalogue, exports in five formats, a manifest.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to write to")
    parser.add_argument("--seed", type=int, default=7, help="another seed, another world (%(default)s)")
    parser.add_argument("--listeners", type=int, default=30, help="how many listeners (%(default)s)")
    parser.add_argument("--days", type=int, default=120, help="length of the window in days (%(default)s)")
    parser.add_argument(
        "--end",
        type=date.fromisoformat,
        metavar="YYYY-MM-DD",
        help="last day of the window, UTC (yesterday)",
    )
    options = parser.parse_args(arguments)
    if options.listeners < 1 or options.days < 1:
        parser.error("--listeners and --days must be at least 1")
    manifest = generate(options.out, seed=options.seed, listeners=options.listeners, days=options.days, end=options.end)
    print(f"{options.out}: {len(manifest.listeners)} listeners up to {manifest.end}, seed {manifest.seed}")
    for format_, (files, records) in manifest.records_by_format().items():
        print(f"  {format_:<17} {files:>3} import(s) {records:>7} records")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
