"""Beatport's items as people read them: properties beside the raw payload, which stays whole.

The trap: nearly every field may be absent or null, by endpoint; a view says None or an empty tuple then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class BeatportItem:
    """An item with an id, which all have."""

    raw: dict[str, Any] = field(repr=False, hash=False)
    id: int = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "id", int(self.raw["id"]))

    @property
    def name(self) -> str:
        return _text(self.raw.get("name")) or ""


class BeatportArtist(BeatportItem):
    """An artist: id and name."""


class BeatportLabel(BeatportItem):
    """A label: id and name."""


class BeatportGenre(BeatportItem):
    """A genre: id and name."""


class BeatportRelease(BeatportItem):
    """A release, which carries the label and its catalogue number."""

    @property
    def artist_names(self) -> tuple[str, ...]:
        return _names(self.raw.get("artists"))

    @property
    def label(self) -> str | None:
        return _name(self.raw.get("label"))

    @property
    def catalogue_number(self) -> str | None:
        return _text(self.raw.get("catalog_number"))

    @property
    def publish_date(self) -> str | None:
        return _text(self.raw.get("publish_date"))


class BeatportTrack(BeatportItem):
    """A track in one mix."""

    @property
    def mix_name(self) -> str | None:
        return _text(self.raw.get("mix_name"))

    @property
    def full_title(self) -> str:
        return f"{self.name} ({self.mix_name})" if self.mix_name else self.name

    @property
    def artist_names(self) -> tuple[str, ...]:
        return _names(self.raw.get("artists"))

    @property
    def remixers(self) -> tuple[str, ...]:
        return _names(self.raw.get("remixers"))

    @property
    def bpm(self) -> int | None:
        bpm = self.raw.get("bpm")
        return bpm if isinstance(bpm, int) and bpm > 0 else None

    @property
    def key(self) -> str | None:
        """Such as "A Minor"."""
        return _name(self.raw.get("key"))

    @property
    def genre(self) -> str | None:
        return _name(self.raw.get("genre"))

    @property
    def sub_genre(self) -> str | None:
        return _name(self.raw.get("sub_genre"))

    @property
    def release(self) -> BeatportRelease | None:
        release = self.raw.get("release")
        return BeatportRelease(release) if isinstance(release, dict) and "id" in release else None

    @property
    def label(self) -> str | None:
        return self.release.label if self.release else None

    @property
    def catalogue_number(self) -> str | None:
        return _text(self.raw.get("catalog_number")) or (self.release.catalogue_number if self.release else None)

    @property
    def preview(self) -> str | None:
        """Address of a sample in MP3."""
        return _text(self.raw.get("sample_url"))

    @property
    def isrc(self) -> str | None:
        return _text(self.raw.get("isrc"))

    @property
    def length_ms(self) -> int | None:
        length = self.raw.get("length_ms")
        return length if isinstance(length, int) and length > 0 else None

    @property
    def publish_date(self) -> str | None:
        return _text(self.raw.get("publish_date"))


class BeatportChart(BeatportItem):
    """A chart that somebody made."""

    @property
    def owner(self) -> str | None:
        person = self.raw.get("person")
        return _text(person.get("owner_name")) if isinstance(person, dict) else None

    @property
    def track_count(self) -> int | None:
        count = self.raw.get("track_count")
        return count if isinstance(count, int) else None

    @property
    def publish_date(self) -> str | None:
        return _text(self.raw.get("publish_date"))


def _text(value: Any) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _name(value: Any) -> str | None:
    return _text(value.get("name")) if isinstance(value, dict) else None


def _names(value: Any) -> tuple[str, ...]:
    return tuple(filter(None, map(_name, value))) if isinstance(value, list) else ()
