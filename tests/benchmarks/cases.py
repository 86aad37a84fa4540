"""The cases: what is prepared, which steps are run in what order, and what is kept of them.

Lakes are copied by hard links: Delta never changes a file in place, so a copy costs nothing and each repeat starts
from the same state.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

from tests.benchmarks import duckdb_build
from tests.benchmarks.equality import compare
from tests.benchmarks.listeners import Listeners
from tests.benchmarks.measure import Measured, run_step
from tests.benchmarks.settings import END, LISTED_USERS, MATCHED_USERS, Size, day_after, deep
from tests.benchmarks.songs import SongListeners
from tests.benchmarks.world import World

MANY_LISTENS = 2_000_000  # from here on one repeat, below three
PROFILES = (
    "ours",
    "ours with C1 + SerialGC",
    "defaults",
    "defaults, C1 + SerialGC",
    "ours with G1",
    "ours with SerialGC",
    "ours with 16 partitions",
)
SHOWN_DIFFERENCES = 4
Say = Callable[[str], None]
Entry = dict[str, Any]


class InequalityError(Exception):
    """The two engines did not make the same tables: no figure of the build means anything."""


@dataclass
class Bench:
    """One run: measured entries by name, such as `build/10m`; `keep` is called with each as soon as there is one."""

    work: Path
    sizes: list[Size]
    populations: list[int]  # of cases matches, many and lists, where any are given
    repeat: int | None
    say: Say
    keep: Callable[[str, Entry], None]

    def run(self, cases: list[str]) -> None:
        """Raises InequalityError, StepError."""
        if "session" in cases:
            self.sessions()
        for size in self.sizes:
            if "import" in cases:
                self.imports(size)
            if "build" in cases or "night" in cases:
                self.build(size)
            if "night" in cases:
                self.night(size)
            if "identity" in cases:
                self.identity(size)
            self._forget(size)
        if "deep" in cases:
            smallest = self.sizes[0]
            for size in self.sizes[1:]:
                grown = deep(size, smallest)
                self.build(grown)
                self.night(grown)
                self._forget(grown)
        if "matches" in cases:
            for users in self.populations or [MATCHED_USERS]:
                self.matches(users)
        if "many" in cases:
            for users in self.populations or [MATCHED_USERS]:
                self.keep(f"many/{users}", many(users, self.work, self.say))
        if "lists" in cases:
            for users in self.populations or [LISTED_USERS]:
                self.keep(f"lists/{users}", listed(users, self.work, self.say))

    # --- cases

    def imports(self, size: Size) -> None:
        """Our import of a file into the size's bronze, against a bare Spark copy and DuckDB."""
        lake, world = self._lake(size), World(size, self._folder(size))
        file = str(world.extra)

        def ours() -> Measured:
            first, second = self._copy(lake, "import-1"), self._copy(lake, "import-2")
            return self._step("spark_steps", "imports", first=str(first), second=str(second), file=file)

        def bare() -> Measured:
            return self._step("spark_steps", "bare_copy", file=file, out=str(self._fresh("bare") / "copy"))

        def duckdb() -> Measured:
            out = str(self._fresh("duckdb"))
            return self._step("duckdb_steps", "imports", root=str(lake), file=file, out=out)

        entry = {
            "rows": size.import_rows,
            "into": size.listens,
            "history": self._history(size),
            **{
                who: _told(self._best(size, f"import, {who}", run))
                for who, run in (("ours", ours), ("bare", bare), ("duckdb", duckdb))
            },
        }
        stored, other = entry["ours"]["facts"]["stored"], entry["duckdb"]["facts"]["stored"]
        if stored != other:
            raise InequalityError(f"import at {size.name}: ours stored {stored} rows, DuckDB {other}")
        self.keep(f"import/{size.name}", entry)

    def build(self, size: Size) -> None:
        """The full build against DuckDB's, and whether they made the same tables."""
        lake = self._lake(size)
        built = self._folder(size) / "built"
        out = self._folder(size) / "duckdb"

        def ours() -> Measured:
            # Of one repeat the new JVM alone; at 10 M its warming up is lost in the minutes of the build.
            again = self.repeat != 1 and size.listens <= MANY_LISTENS
            return self._step("spark_steps", "build", root=str(_linked(lake, built)), as_of=str(END), again=again)

        def duckdb() -> Measured:
            shutil.rmtree(out, ignore_errors=True)
            return self._step("duckdb_steps", "build", root=str(lake), out=str(out), as_of=str(END))

        entry = {
            "listens": size.listens,
            "users": size.users,
            "ours": _told(self._best(size, "build, ours", ours)),
            "duckdb": _told(self._best(size, "build, DuckDB", duckdb)),
        }
        entry["equality"] = self._compare(size, built, out)
        self.keep(f"build/{size.name}", entry)

    def night(self, size: Size) -> None:
        """One more day after a full build, then a run with nothing new, then another day in the warm JVM."""
        world, built = World(size, self._folder(size)), self._folder(size) / "built"

        def ours() -> Measured:
            root = str(self._copy(built, "night"))
            imported = self._step("spark_steps", "night_import", root=root, file=str(world.night(1)))
            nights = self._step(
                "spark_steps",
                "night",
                root=root,
                as_of=str(day_after(1)),
                next_file=str(world.night(2)),
                next_as_of=str(day_after(2)),
            )
            return Measured(
                {**imported.seconds, **nights.seconds},
                {**imported.peaks, **nights.peaks},
                {**imported.facts, **nights.facts},
            )

        entry = {"listens": size.listens, "users": size.users, "ours": _told(self._best(size, "night", ours))}
        self.keep(f"night/{size.name}", entry)

    def identity(self, size: Size) -> None:
        """As many different names as the size has listens resolved, then a thousand new ones in a night."""
        world = World(size, self._folder(size))

        def ours() -> Measured:
            return self._step(
                "spark_steps",
                "identity",
                root=str(self._fresh("identity") / "lake"),
                catalogue=str(world.catalogue),
                names=str(world.names),
                new_names=str(world.new_names),
                as_of=str(END),
            )

        self.keep(f"identity/{size.name}", {"names": size.listens, "ours": _told(self._best(size, "identity", ours))})

    def sessions(self) -> None:
        """Session start and a steady MERGE, profile by profile."""
        smallest = self.sizes[0]
        entry = {
            profile: _told(
                self._best(
                    smallest,
                    f"session, {profile}",
                    lambda profile=profile: self._step(
                        "spark_steps", "session", profile=profile, out=str(self._fresh("session"))
                    ),
                )
            )
            for profile in PROFILES
        }
        self.keep("session", entry)

    def matches(self, users: int) -> None:
        """Matches by the exact engine against bare blocks of scipy, each in one process and thread."""
        folder = _listeners(users, self.work, self.say)
        out = str(self._fresh("matches"))
        entry = {"users": users}
        for who in ("ours", "bare"):
            self.say(f"{users:,} users: matches, {who}")
            measured = [
                run_step("match_steps", who, {"folder": str(folder), "out": out}, self.work / "steps", threads=1)
                for _ in range(self.repeat or 1)
            ]
            entry[who] = _told(reduce(Measured.merged_with, measured))
        self.keep(f"matches/{users}", entry)

    # --- preparation

    def _lake(self, size: Size) -> Path:
        """The size's lake with all of bronze and nothing else, made once."""
        folder = self._folder(size)
        done = folder / "history.json"
        if not done.exists():
            world = World(size, folder)
            self.say(f"{size.name}: writing {size.listens:,} listens of {size.users:,} users")
            arguments = {"catalogue": str(world.catalogue), "history": str(world.history), "zones": world.zones()}
            self.say(f"{size.name}: importing them")
            shutil.rmtree(folder / "lake", ignore_errors=True)
            measured = self._step("spark_steps", "prepare", root=str(folder / "lake"), **arguments)
            done.write_text(json.dumps(_told(measured)))
        return folder / "lake"

    def _history(self, size: Size) -> Entry:
        entry: Entry = json.loads((self._folder(size) / "history.json").read_text())
        return entry

    def _compare(self, size: Size, built: Path, out: Path) -> Entry:
        self.say(f"{size.name}: comparing the tables")
        found = compare(str(built), str(out), list(duckdb_build.tables(END)))
        different = [one for one in found if one.differences]
        for one in different:
            shown = "; ".join(one.differences[:SHOWN_DIFFERENCES])
            self.say(f"NOT EQUAL: {one.table}, {len(one.differences)} of {one.compared} figures: {shown}")
        if different:
            names = ", ".join(one.table for one in different)
            raise InequalityError(f"build at {size.name}: ours and DuckDB differ in {names}")
        return {"tables": len(found), "figures": sum(one.compared for one in found), "rows": _rows(found)}

    # --- inside

    def _best(self, size: Size, what: str, run: Callable[[], Measured]) -> Measured:
        repeats = self.repeat or (1 if size.listens > MANY_LISTENS else 3)
        measured = []
        for number in range(repeats):
            self.say(f"{size.name}: {what}" + (f" ({number + 1} of {repeats})" if repeats > 1 else ""))
            measured.append(run())
            self.say(
                "    " + ", ".join(f"{name} {s:.1f} s" for name, s in measured[-1].seconds.items() if "." not in name)
            )
        return reduce(Measured.merged_with, measured)

    def _step(self, module: str, step: str, **arguments: Any) -> Measured:
        return run_step(module, step, arguments, self.work / "steps")

    def _folder(self, size: Size) -> Path:
        return self.work / f"{size.name}-{size.users}"

    def _copy(self, lake: Path, name: str) -> Path:
        return _linked(lake, self.work / "copies" / name)

    def _fresh(self, name: str) -> Path:
        return _emptied(self.work / "copies" / name)

    def _forget(self, size: Size) -> None:
        """Drop what later cases do not need: at 10 M listens a built lake takes gigabytes."""
        shutil.rmtree(self.work / "copies", ignore_errors=True)
        for name in ("built", "duckdb"):
            shutil.rmtree(self._folder(size) / name, ignore_errors=True)


def many(users: int, work: Path, say: Say) -> Entry:
    """Matches by Spark on a cluster of two workers on this machine: a full build, and a night."""
    folder, out = _listeners(users, work, say), _emptied(work / "copies" / "many")
    say(f"{users:,} users: matches, two workers")
    measured = run_step("many_steps", "many", {"folder": str(folder), "out": str(out)}, work / "steps", threads=1)
    shutil.rmtree(out)
    return {"users": users, **_told(measured)}


def listed(users: int, work: Path, say: Say, sample: int | None = None) -> Entry:
    """Recommendations of as many songs as listeners, by one process (of a sample alone, where one is given) and by
    two workers out of candidates."""
    folder, out = work / f"songs-{users}", _emptied(work / "copies" / "lists")
    if not (folder / "users.parquet").exists():
        say(f"writing {users:,} listeners of songs")
        SongListeners(users, users).write(folder)
    given = {"folder": str(folder), "out": str(out)}
    entry: Entry = {"users": users}
    for who, arguments in (("exact", {**given, "sample": sample}), ("pruned", given)):
        say(f"{users:,} users: lists, {who}")
        entry[who] = _told(run_step("list_steps", who, arguments, work / "steps"))
    shutil.rmtree(out)
    return entry


def _emptied(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _listeners(users: int, work: Path, say: Say) -> Path:
    """The folder of a simulated population, written once."""
    folder = work / f"listeners-{users}"
    if not (folder / "genres.parquet").exists():
        say(f"writing {users:,} listeners of artists")
        Listeners(users).write(folder)
    return folder


def _linked(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(source, target, copy_function=os.link)
    return target


def _told(measured: Measured) -> Entry:
    return {"seconds": measured.seconds, "peaks": measured.peaks, "facts": measured.facts}


def _rows(found: list[Any]) -> dict[str, int]:
    return {one.table: one.row_count for one in found}
