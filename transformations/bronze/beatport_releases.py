"""Beatport's releases to bronze rows, one a release."""

from __future__ import annotations

from functools import partial

from transformations.bronze.beatport import item_events

build = partial(item_events, kind="release")
