"""Results to one Markdown page: printed after a run and written as docs/performance.md."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from tests.benchmarks.settings import (
    END,
    EXTRAPOLATED_USERS,
    GOALS,
    HISTORY_DAYS,
    MATCHES,
    SEED,
    TOUCHED_SHARE,
    size_of,
)
from transformations.gold.match_model import FITTED_USERS
from transformations.ranking.recommender import MAX_FITTED_USERS

Results = dict[str, Any]
IDLE_LOAD = 0.5
LEAST_EXTRAPOLATED = 20_000  # users: below, what does not grow hides what does

INTRODUCTION = f"""# Performance

Written by `make bench`; run it on an idle machine before believing a change. Every step runs in a process of its own.
"New JVM" is the first work of a fresh process after its session has started (the start itself is under Sessions);
"warm" is the same work again in that process. Memory is the highest resident set of the whole process tree. Data is
generated (seed {SEED}): {HISTORY_DAYS} days up to {END}, tracks by Zipf, plays in sessions, names spelt in several
ways, some lines repeated, a quarter of the listeners outside UTC.
"""

MANY_HEADER = ("users", "seconds", "model", "listeners", "nearest", "explained", "found", "night", "peak memory")
MANY = (
    "The engine of more listeners than `MATCHES__EXACT_UP_TO_USERS`, on a cluster of two workers of a core each on one "
    f"machine, Parquet in and out: the nearest {MATCHES} of every listener, and why. Listeners are simulated after "
    "hetrec2011: some fifty artists each, Zipf, scenes, a heavy tail of artists and of plays. Found is which share of "
    "the lists that one process makes of a sample of listeners, and of their first 10, the lists have: beyond "
    f"{FITTED_USERS:,} listeners the population is fitted on so many, which moves the lower places too. In the night "
    f"{TOUCHED_SHARE:.0%} of the listeners have other plays; beside its seconds, how many lists moved. Memory is of "
    "the whole tree: driver, both workers and their Python. Listeners have artists and genres, no sound, moods or top "
    "lists, and rows are written to Parquet, not merged into tables: a night of a lake costs more."
)


LISTS_HEADER = ("listeners and songs", "plays", "seconds", "fit", "lists", "found", "peak memory")
LISTS = (
    "The engine of more listeners than `RECOMMENDATIONS__EXACT_UP_TO_USERS`, on a cluster of two workers of a core "
    "each on one machine, Parquet in and out: all lists of every listener. Listeners are simulated: some sixty songs "
    "each, scenes, as many songs as listeners and two thirds of them heard. Fit is ALS, by which candidates are found, "
    f"and the linear model, of {MAX_FITTED_USERS:,} listeners at most, the same ones for both engines. Found is which "
    "share of the lists that one process makes, and of their first 10, the lists have, in the list where it is least. "
    "Memory is of the whole tree: driver, both workers and their Python."
)


def page(results: Results) -> str:
    """The page of all results there are."""
    figures: dict[str, tuple[float, str]] = {}
    sections = [_imports(results, figures), _builds(results, figures), _nights(results, figures)]
    sections += [_identity(results, figures), _sessions(results, figures), _matches(results, figures), _many(results)]
    sections.append(_lists(results))
    parts = [INTRODUCTION, _facts(results), _goals(figures), *sections]
    return "\n".join(part for part in parts if part)


# --- sections


def _facts(results: Results) -> str:
    rows = list(results.get("machine", {}).items())
    measured = [entry for name, entry in results.items() if name != "machine"]
    dates = sorted({entry["measured_at"] for entry in measured})
    if dates:
        rows.append(("Measured", dates[0] if dates[0] == dates[-1] else f"{dates[0]} to {dates[-1]}"))
    text = _table(("", ""), rows)
    if any(entry["load"] > IDLE_LOAD for entry in measured):
        text += "\nThe machine was not idle when a run began: figures are too high and ratios uncertain.\n"
    return text


def _goals(figures: dict[str, tuple[float, str]]) -> str:
    if not figures:
        return "Nothing has been measured yet.\n"
    rows = []
    over = []
    for name, goal in GOALS.items():
        if name not in figures:
            continue
        value, what = figures[name]
        rows.append((what, f"{goal:g}", f"{value:.2f}", "kept" if value <= goal else "**over**"))
        if value > goal:
            over.append(f"{what} ({value:.2f} against {goal:g})")
    missing = [name for name in GOALS if name not in figures]
    text = "## Goals\n\n" + _table(("figure", "goal, at most", "measured", ""), rows)
    text += f"\nOver the goal: {'; '.join(over)}.\n" if over else "\nNo measured figure is over its goal.\n"
    if missing:
        text += f"Not measured: {', '.join(missing)}.\n"
    return text


def _imports(results: Results, figures: dict[str, tuple[float, str]]) -> str:
    entries = _entries(results, "import")
    if not entries:
        return ""
    rows = []
    for _, entry in entries:
        ours, bare, duckdb = entry["ours"], entry["bare"], entry["duckdb"]
        into = f"{entry['rows']:,} into {entry['into']:,}"
        bare_new, bare_warm = (bare["seconds"][name] for name in ("new_jvm", "warm"))
        duck = duckdb["seconds"]["import"]
        for what, name in (("new JVM", "new_jvm"), ("warm", "warm"), ("warm, all of it again", "again")):
            spent = ours["seconds"][name]
            over_bare = spent / (bare_new if name == "new_jvm" else bare_warm)
            rows.append(
                (into, f"ours, {what}", _s(spent), f"{over_bare:.1f}", f"{spent / duck:.1f}", _gb(ours["peaks"][name]))
            )
        for what, name in (("new JVM", "new_jvm"), ("warm", "warm")):
            rows.append((into, f"bare Spark copy, {what}", _s(bare["seconds"][name]), "", "", _gb(bare["peaks"][name])))
        rows.append((into, "DuckDB", _s(duck), "", "1.0", _gb(duckdb["peaks"]["import"])))
        history = entry["history"]
        rows.append(
            (
                f"{history['facts']['rows']:,} into none",
                "ours, new JVM",
                _s(history["seconds"]["history"]),
                "",
                "",
                _gb(history["peaks"]["history"]),
            )
        )
        at = f"{entry['rows']:,} rows into {entry['into']:,}"
        warm = ours["seconds"]["warm"]
        figures["import_over_bare"] = warm / bare_warm, f"import over a bare Spark copy, warm, {at}"
        figures["import_over_duckdb"] = warm / duck, f"import over DuckDB, warm, {at}"
    return (
        "## Import\n\nA csv file of listens: pseudonyms, rules, ids, the record kept as JSON, repeats dropped within "
        "the file and against the table, the account and the quarantine, one publish. The bare copy parses the file "
        "into typed columns and writes Delta, nothing else. DuckDB makes the same ids and JSON and drops the same "
        "repeats (the number of stored rows is checked), without quarantine, account or transaction.\n\n"
        + _table(("rows", "who", "seconds", "over bare", "over DuckDB", "peak memory"), rows)
    )


def _builds(results: Results, figures: dict[str, tuple[float, str]]) -> str:
    entries = _entries(results, "build")
    if not entries:
        return ""
    rows = []
    equal = []
    slowest = ""
    for size, entry in entries:
        at = f"{entry['listens']:,} listens, {entry['users']:,} users"
        duck = entry["duckdb"]["seconds"]["build"]
        rows.append((at, "DuckDB", _s(duck), "1.0", _gb(entry["duckdb"]["peaks"]["build"])))
        for what, name in (("new JVM", "new_jvm"), ("warm", "warm")):
            if name not in entry["ours"]["seconds"]:
                continue
            spent = entry["ours"]["seconds"][name]
            rows.append((at, f"ours, {what}", _s(spent), f"{spent / duck:.1f}", _gb(entry["ours"]["peaks"][name])))
            if not size.endswith("-deep"):
                figures[f"build_over_duckdb_{name}"] = spent / duck, f"full build over DuckDB, {what}, {at}"
        told = entry["equality"]
        equal.append(f"{at}: {told['tables']} tables, {told['figures']} figures")
        tables = sorted(
            ((s, name) for name, s in entry["duckdb"]["seconds"].items() if "." in name and s > 0), reverse=True
        )
        slowest = ", ".join(f"{name} {_s(s)}" for s, name in tables[:4])
    return (
        "## Full build\n\nSilver and gold from bronze. DuckDB (2 threads) reads the same Parquet files of bronze, JSON "
        f"included, and writes the same {told['tables']} tables as zstd Parquet, without checks, quarantine, "
        "clustering, change feed or transactions, which ours include. Counts and checksums over every business column "
        f"of every table are equal ({'; '.join(equal)}); where they are not, no page is written.\n\n"
        + _table(("world", "who", "seconds", "over DuckDB", "peak memory"), rows)
        + f"\nDuckDB's dearest tables at the last size: {slowest}.\n"
    )


def _nights(results: Results, figures: dict[str, tuple[float, str]]) -> str:
    entries = _entries(results, "night")
    if not entries:
        return ""
    rows = []
    reasons = []
    first = entries[0][1]["ours"]["seconds"]
    for size, entry in entries:
        at = f"{entry['listens']:,} listens, {entry['users']:,} users"
        ours, build = entry["ours"]["seconds"], results.get(f"build/{size}", {}).get("ours", {}).get("seconds", {})
        facts = entry["ours"]["facts"]
        for what, name, share_of in (
            ("import, new JVM", "import_new_jvm", ""),
            ("night, new JVM", "night_new_jvm", "new_jvm"),
            ("nothing new", "nothing_new", "warm"),
            ("import, warm", "import_warm", ""),
            ("night, warm", "night_warm", "warm"),
        ):
            share = f"{ours[name] / build[share_of]:.2f}" if share_of in build else ""
            growth = f"{ours[name] / first[name]:.2f}" if entry is not entries[0][1] else ""
            rows.append((at, what, _s(ours[name]), share, growth, _gb(entry["ours"]["peaks"][name])))
        full = facts["first"]["in_full"]
        reasons.append(
            f"- {at}: {facts['stored']:,} new listens of {facts['listeners']:,} users, "
            f"{facts['first']['rows_written']:,} rows written to {facts['first']['tables']} tables; nothing new wrote "
            f"{facts['nothing_new']['rows_written']:,} rows; "
            + (f"built in full: {'; '.join(full)}" if full else "no table was built in full")
        )
        kind = "history" if size.endswith("-deep") else "users"
        if entry is not entries[0][1]:
            grown = "history per user" if kind == "history" else "users"
            figures[f"night_growth_{kind}"] = (
                ours["night_warm"] / first["night_warm"],
                f"warm night as {grown} grew to {at}",
            )
        if kind == "users" and "new_jvm" in build:
            share_of_build = ours["night_new_jvm"] / build["new_jvm"]
            figures["night_share_of_build"] = share_of_build, f"night over a full build, both in a new JVM, {at}"
    return (
        "## Night\n\nAfter a full build one more day of listens of a few users is imported, and the night runs for the "
        "next date: users whose plays merely fall out of a period are part of it. Growth is against the first size.\n\n"
        + _table(("world", "what", "seconds", "share of full build", "growth", "peak memory"), rows)
        + "\n"
        + "\n".join(reasons)
        + "\n"
    )


def _identity(results: Results, figures: dict[str, tuple[float, str]]) -> str:
    entries = _entries(results, "identity")
    if not entries:
        return ""
    rows = []
    for _, entry in entries:
        facts = entry["ours"]["facts"]
        full, night = facts["full"], facts["night"]
        for what, told in (("all names", full), ("a night's new names", night)):
            rows.append(
                (f"{entry['names']:,} names", what, f"{told['names']:,}", f"{told['pairs']:,}", _s(told["seconds"]))
            )
        at = f"{night['names']:,} new names among {full['names']:,}"
        figures["identity_pairs_share"] = night["pairs"] / full["pairs"], f"pairs of titles compared, {at}"
        figures["identity_seconds_share"] = night["seconds"] / full["seconds"], f"seconds of track_identities, {at}"
    return (
        "## Identity\n\nEvery name is another artist or title: tracks retitled, with a subtitle or live, or unknown; "
        "some artists misspelt. Pairs are titles compared letter by letter within an artist's block; seconds are those "
        "of building and staging silver.track_identities.\n\n"
        + _table(("world", "what", "names", "pairs compared", "seconds"), rows)
    )


def _sessions(results: Results, figures: dict[str, tuple[float, str]]) -> str:
    entry = results.get("session")
    if not entry:
        return ""
    profiles = {name: told for name, told in entry.items() if isinstance(told, dict)}
    best = {kind: min(told["seconds"][kind] for told in profiles.values()) for kind in ("start", "merge")}
    rows = []
    for name, told in profiles.items():
        start, first, merge = (told["seconds"][kind] for kind in ("start", "first_merge", "merge"))
        rows.append(
            (
                name,
                _s(start),
                f"{start / best['start']:.2f}",
                _s(first),
                _s(merge),
                f"{merge / best['merge']:.2f}",
                _gb(max(told["peaks"].values())),
            )
        )
    ours = profiles["ours"]["seconds"]
    worst = max(ours[kind] / best[kind] for kind in best)
    figures["session_over_best"] = worst, "session start and steady MERGE over the best profile, the worse of the two"
    return (
        "## Sessions\n\nStart to the first answer, then MERGE of 500 rows (half of them new) into a Delta table of "
        "10,000; the steady time is the median of the last ones.\n\n"
        + _table(("profile", "start", "over best", "first MERGE", "steady MERGE", "over best", "peak memory"), rows)
    )


def _matches(results: Results, figures: dict[str, tuple[float, str]]) -> str:
    entries = _entries(results, "matches")
    if not entries:
        return ""
    rows = []
    for _, entry in entries:
        at = f"{entry['users']:,} users, {entry['ours']['facts']['links']:,} links"
        bare = entry["bare"]
        for name, who in (("bare", "bare"), ("all pairs", "ours")):
            seconds, facts = entry[who]["seconds"], entry[who]["facts"]
            over, by_cpu = seconds["all"] / bare["seconds"]["all"], facts["cpu"] / bare["facts"]["cpu"]
            parts = [_s(seconds[part]) for part in ("all", "read", "prepare", "pairs", "write")]
            peak = _gb(entry[who]["peaks"]["all"])
            rows.append((at, name, *parts, _s(facts["cpu"]), f"{over:.2f}", f"{by_cpu:.2f}", peak))
            if who == "ours":
                figures["matches_over_bare"] = (
                    over,
                    f"exact matches over bare blocks of scipy, {entry['users']:,} users",
                )
    header = ("world", "who", "seconds", "read", "prepare", "pairs", "write", "CPU s", "over bare", "by CPU")
    return (
        f"## Matches\n\nThe nearest {MATCHES} of every listener, Parquet in and out, in one process with one thread. "
        "Listeners are simulated after hetrec2011: some fifty artists each, Zipf, scenes, a heavy tail of artists and "
        "of plays. The bare one is TF-IDF cosine of all pairs as scipy gives it: `CSR @ CSR.T` in blocks, "
        "`argpartition`, nothing else. Ours compares by artists, by who shares them and by genres, holds back hubs and "
        "listeners of few plays, and tells the parts of each score. CPU seconds are of the whole process, with "
        "Python's start; on a busy machine they say more.\n\n"
        + _table((*header, "peak"), rows)
        + _extrapolated([entry for _, entry in entries])
    )


def _many(results: Results) -> str:
    entries = [entry for _, entry in _entries(results, "many")]
    if not entries:
        return ""
    rows = [many_row(entry) for entry in entries]
    return f"## Matches by Spark\n\n{MANY}\n\n" + _table(MANY_HEADER, rows) + f"\n{many_drawn_on(entries)}\n"


def many_row(entry: Any) -> tuple[str, ...]:
    """What a population of case `many` took: seconds by part, what was found, the night."""
    seconds, facts = entry["seconds"], entry["facts"]
    parts = [_s(seconds[part]) for part in ("all", "model", "listeners", "nearest", "explained")]
    found = f"{facts['found']['all']:.3f} / {facts['found']['first']:.3f}"
    night = f"{_s(seconds['night'])}, {facts['lists']:,} lists"
    return (f"{entry['users']:,}", *parts, found, night, _gb(max(entry["peaks"].values())))


def many_drawn_on(entries: list[Any]) -> str:
    """What more users would cost: a full build and a night."""
    by_users = {entry["users"]: entry["seconds"] for entry in entries}
    return _drawn_on(by_users, {"a full build": "all", "a night": "night"}) + (
        "Memory is not drawn on: a process holds a cell, or the sample that the model is fitted on."
    )


def _drawn_on(by_users: dict[int, dict[str, float]], named: dict[str, str]) -> str:
    """Seconds, by what they are called: in proportion to the users, or by the power that leads through the two largest
    populations where that is more."""
    if len(by_users) < 2:
        return "One population draws no curve. "
    one, other = sorted(by_users)[-2:]
    told = []
    for what, name in named.items():
        less, more = by_users[one][name], by_users[other][name]
        power = max(1.0, math.log(more / less) / math.log(other / one))
        hours = more * (EXTRAPOLATED_USERS / other) ** power / 3_600
        told.append(f"{what} {hours:.1f} hours (by the {power:.2f}th power of the users)")
    return (
        f"Drawn on from {one:,} and {other:,} to {EXTRAPOLATED_USERS:,} users, on the same two workers of a core each: "
        f"{', '.join(told)}; less than the first power is not drawn on. "
    )


def _lists(results: Results) -> str:
    entries = [entry for _, entry in _entries(results, "lists")]
    if not entries:
        return ""
    rows = [(*lists_row(entry), _s(entry["exact"]["seconds"]["all"])) for entry in entries]
    return (
        f"## Recommendations\n\n{LISTS} One process is all lists of every listener by it, with all cores.\n\n"
        + _table((*LISTS_HEADER, "one process"), rows)
        + f"\n{lists_drawn_on(entries)}\n"
    )


def lists_row(entry: Any) -> tuple[str, ...]:
    """What a population of case `lists` took of two workers: seconds by part, and what was found."""
    many = entry["pruned"]
    parts = [_s(many["seconds"][part]) for part in ("all", "fit", "lists")]
    found = " / ".join(f"{min(many['facts'][shares].values()):.3f}" for shares in ("found", "first_found"))
    return (f"{entry['users']:,}", f"{many['facts']['plays']:,}", *parts, found, _gb(many["peaks"]["all"]))


def lists_drawn_on(entries: list[Any]) -> str:
    """What more users would cost: there is no other night than all lists."""
    by_users = {entry["users"]: entry["pruned"]["seconds"] for entry in entries}
    return _drawn_on(by_users, {"a night": "all"}) + (
        "A night makes the lists of all, as one process does: whoever plays a song moves what is expected of it for "
        "others."
    )


def _extrapolated(entries: list[Any]) -> str:
    """CPU seconds as a multiple of the users and one of their square, through the two largest populations."""
    large = [entry for entry in entries if entry["users"] >= LEAST_EXTRAPOLATED]
    if len(large) < 2:
        return ""
    one, other = large[-2:]
    told = []
    for name, who in (("bare", "bare"), ("all pairs", "ours")):
        less, more = (entry[who]["facts"]["cpu"] / entry["users"] for entry in (one, other))
        of_pairs = max(0.0, (more - less) / (other["users"] - one["users"]))
        each = more - of_pairs * other["users"]
        hours = EXTRAPOLATED_USERS * (each + of_pairs * EXTRAPOLATED_USERS) / 3_600
        told.append(f"{name} {hours:.1f} hours")
    return (
        f"\nCPU of {one['users']:,} and {other['users']:,} users drawn on to {EXTRAPOLATED_USERS:,}, a part of it "
        f"growing with the users and a part with their pairs: {', '.join(told)}. Memory is not drawn on.\n"
    )


# --- inside


def _entries(results: Results, case: str) -> list[tuple[str, Any]]:
    """The case's entries by size, smallest first, grown histories after the sizes of the same listens."""
    found = [(name.partition("/")[2], entry) for name, entry in results.items() if name.startswith(f"{case}/")]
    return sorted(found, key=lambda pair: (size_of(pair[0].removesuffix("-deep")).listens, pair[0].endswith("-deep")))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _s(seconds: float) -> str:
    return f"{seconds:.2f}" if seconds < 1 else f"{seconds:.1f}"


def _gb(size: int) -> str:
    return f"{size / 1e9:.1f} GB"
