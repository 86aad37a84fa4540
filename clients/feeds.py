"""What a source offers to the ingest job: plays of an account by window, answers about tracks by query.

The trap: payloads are raw, as the service sent them; what they mean is decided by `transformations/bronze`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol


@dataclass(frozen=True)
class Window:
    """Half-open [start, end) in UTC; a start of None means all history."""

    start: datetime | None
    end: datetime

    def __post_init__(self) -> None:
        for bound in (self.start, self.end):
            if bound is not None and bound.utcoffset() is None:
                raise ValueError("a window's bounds need a time zone")
        if self.start is not None and self.start > self.end:
            raise ValueError("a window cannot end before it starts")


@dataclass(frozen=True)
class Gap:
    """A span in which plays are missing for certain, or may be; `reason` is for people."""

    start: datetime
    end: datetime
    certainty: Literal["possible", "certain"]
    reason: str


@dataclass(frozen=True)
class Batch:
    """Records to store together, with what is known to be missing around them.

    `covered_to` is how far the watermark may move once the batch is stored; None: not yet.
    """

    records: list[dict[str, Any]]
    gaps: list[Gap] = field(default_factory=list)
    covered_to: datetime | None = None


@dataclass(frozen=True)
class Account:
    """A listener here (`user`) and at the service (`source_user`), and the name of the credential that reaches it.

    What was played before `connected_at` nobody asked for, so it cannot be lost. It names a person: never log it.
    """

    user: str
    source_user: str
    credential: str
    connected_at: datetime | None = None


class AccountFeed(Protocol):
    """One bronze stream of one service, per account."""

    @property
    def stream(self) -> str:
        """Name of the bronze table."""
        ...

    def batches(self, account: Account, window: Window, limit: int | None = None) -> Iterator[Batch]:
        """Yield what the service has in the window, in an order in which a crash between batches loses nothing.

        `limit` ends it after so many records, for a quick look. Raises a ClientError.
        """
        ...

    def check(self, account: Account) -> str:
        """Ask one cheap thing and say in words what works; raises a ClientError."""
        ...


class SnapshotFeed(Protocol):
    """One bronze stream of one service that belongs to no account: its state as it is now."""

    @property
    def stream(self) -> str:
        """Name of the bronze table."""
        ...

    def records(self) -> Iterator[Batch]:
        """Yield all that there is now; no batch has a `covered_to`. Raises a ClientError."""
        ...


@dataclass(frozen=True)
class TrackQuery:
    """What is known of a track when a service is asked about it."""

    track_key: str
    spotify_id: str | None
    isrc: str | None
    artist_name: str | None
    track_name: str | None
    album_name: str | None
    duration_ms: int | None


@dataclass(frozen=True)
class Answer:
    """A definite answer: found with its raw payload, or unknown to the service."""

    track_key: str
    status: Literal["found", "unknown"]
    payload: dict[str, Any] | None


class TrackFeed(Protocol):
    """One bronze stream of one service, per track."""

    @property
    def stream(self) -> str:
        """Name of the bronze table."""
        ...

    @property
    def batch_size(self) -> int:
        """How many queries one request can carry."""
        ...

    def answers(self, queries: Iterable[TrackQuery]) -> Iterator[Answer]:
        """Yield definite answers alone, in any order; a query that could not be settled raises a ClientError."""
        ...
