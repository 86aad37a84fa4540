"""Beatport's genres to bronze rows, one a genre."""

from __future__ import annotations

from functools import partial

from transformations.bronze.beatport import item_events

build = partial(item_events, kind="genre")
