"""What listeners choose is stored once, by pseudonym, and told by name."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from jobs.choices import (
    block,
    blocked_names,
    print_blocked,
    print_privacy,
    privacy_of,
    set_privacy,
    unblock,
)
from jobs.runtime.errors import UsageError
from jobs.runtime.lake import Lake, Stamp
from schemas.catalog import contract_of
from tests.rows import make_rows
from transformations.gold.choices import DEFAULTS


@pytest.fixture
def people(lake: Lake) -> Lake:
    accounts = ({"user_id": lake.pseudonym(name), "user_name": name} for name in ("ash", "birch", "[c]"))
    lake.append("ops.accounts", make_rows(lake.spark, contract_of("ops.accounts"), *accounts), Stamp("a", "2026-10-01"))
    return lake


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def told(console: Console) -> str:
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_a_choice_changes_what_is_chosen_alone(people: Lake, console: Console) -> None:
    assert privacy_of(people, "ash") == DEFAULTS
    assert set_privacy(people, "ash", {"is_matched": None, "is_name_shown": True}) == {
        **DEFAULTS,
        "is_name_shown": True,
    }
    assert set_privacy(people, "ash", {"is_matched": False})["is_name_shown"] is True
    assert privacy_of(people, " ash ") == {"is_matched": False, "is_activity_shown": False, "is_name_shown": True}
    assert privacy_of(people, "birch") == DEFAULTS
    before = people.version("ops.privacy_settings")
    set_privacy(people, "ash", {"is_matched": False})
    set_privacy(people, "birch", {"is_matched": True})
    assert people.version("ops.privacy_settings") == before
    (row,) = people.read("ops.privacy_settings").collect()
    assert row["user_id"] == people.pseudonym("ash")
    print_privacy("ash", privacy_of(people, "ash"), console)
    assert told(console).splitlines()[0] == "ash has no matches, and appears nowhere at others"


def test_a_block_is_stored_and_taken_back_once(people: Lake, console: Console) -> None:
    assert block(people, "ash", "birch") is True
    assert block(people, "ash", "[c]") is True
    before = people.version("ops.user_blocks")
    assert (block(people, "ash", "birch"), unblock(people, "birch", "ash")) == (False, False)
    assert people.version("ops.user_blocks") == before
    assert [name for name, _ in blocked_names(people, "ash")] == ["[c]", "birch"]
    assert blocked_names(people, "birch") == []
    print_blocked("ash", blocked_names(people, "ash"), console)
    print_blocked("birch", blocked_names(people, "birch"), console)
    assert "[c]" in told(console)
    assert "birch blocks nobody." in told(console)
    assert unblock(people, "ash", "birch") is True
    assert [name for name, _ in blocked_names(people, "ash")] == ["[c]"]
    assert block(people, "birch", "ash") is True
    assert [name for name, _ in blocked_names(people, "ash")] == ["[c]"]


def test_a_block_taken_back_before_there_is_any_makes_no_table(people: Lake) -> None:
    assert unblock(people, "ash", "birch") is False
    assert not people.exists("ops.user_blocks")


def test_strangers_and_oneself_are_refused(people: Lake) -> None:
    for call in (block, unblock):
        with pytest.raises(UsageError, match="users list"):
            call(people, "ash", "nobody")
        with pytest.raises(UsageError, match="themselves"):
            call(people, "ash", " ash")
    with pytest.raises(UsageError, match="users list"):
        set_privacy(people, "nobody", {"is_matched": False})
    with pytest.raises(UsageError, match="users list"):
        blocked_names(people, "nobody")
