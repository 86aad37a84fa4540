"""What is measured and by what it is judged: sizes of the worlds, days, goals."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

SEED = 20251231
LABEL = "bench"  # the csv feed of all listens
END = date(2025, 12, 31)  # last day of history and first as_of_date; fixed, so that every run sees the same days
HISTORY_DAYS = 400  # longer than the longest period, so that plays fall out of each of them night by night
CATALOGUE_TRACKS = 60_000
HEARD_TRACKS = 40_000  # tracks that no catalogue has
LISTENS_PER_USER = 1_000
MIN_USERS = 20
NIGHT_LISTENS = 10_000
NIGHT_USERS = 300
IMPORT_ROWS = 1_000_000
DUCKDB_THREADS = 2
MERGE_TABLE_ROWS = 10_000
MERGE_ROWS = 500
MATCHES = 50  # of each listener
MATCHED_USERS, LISTED_USERS = 50_000, 25_000  # unless others are asked for
EXTRAPOLATED_USERS = 1_000_000
TOUCHED_SHARE = 0.01  # of the listeners, in a night of case many
MERGES, WARM_MERGES = 14, 6  # the last WARM_MERGES of them are the steady state

# Goals, by the name under which the report shows the figure; at the largest size measured.
GOALS = {
    "import_over_bare": 2.0,
    "build_over_duckdb_new_jvm": 3.5,
    "night_share_of_build": 0.15,
    "night_growth_users": 1.5,
    "night_growth_history": 1.5,
    "session_over_best": 1.3,
    "identity_pairs_share": 0.02,
    "identity_seconds_share": 0.25,
    "matches_over_bare": 1.5,
}

CASES = ("import", "build", "night", "deep", "identity", "session", "matches", "many", "lists")
NEW_NAMES = 1_000  # of a night, among as many names as the size has listens


@dataclass(frozen=True)
class Size:
    """A world: how many listens of how many users; a name that ends in `-deep` has more history per user."""

    name: str
    listens: int
    users: int

    @property
    def catalogue_tracks(self) -> int:
        return min(CATALOGUE_TRACKS, max(500, self.listens // 10))

    @property
    def heard_tracks(self) -> int:
        return self.catalogue_tracks * HEARD_TRACKS // CATALOGUE_TRACKS

    @property
    def import_rows(self) -> int:
        return min(IMPORT_ROWS, self.listens)

    @property
    def night_listens(self) -> int:
        return min(NIGHT_LISTENS, max(100, self.listens // 100))

    @property
    def night_users(self) -> int:
        return min(NIGHT_USERS, max(3, self.users * 3 // 10))


def size_of(text: str) -> Size:
    """A size such as 5k, 100k, 1m. Raises ValueError."""
    match = re.fullmatch(r"(\d+)([km]?)", text.strip().lower())
    if match is None:
        raise ValueError(f"{text!r} is not a size: write 100k, 1m or 10m")
    listens = int(match[1]) * {"": 1, "k": 1_000, "m": 1_000_000}[match[2]]
    if listens < 1_000:
        raise ValueError(f"{text!r} is too small: at least 1k listens")
    return Size(text.strip().lower(), listens, max(MIN_USERS, listens // LISTENS_PER_USER))


def deep(size: Size, smallest: Size) -> Size:
    """As many listens, but of the users of the smallest size: history per user is what grew."""
    return Size(f"{size.name}-deep", size.listens, smallest.users)


def day_after(nights: int) -> date:
    """The date of the n-th night after the history's last day."""
    return END + timedelta(days=nights)
