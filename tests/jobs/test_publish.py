"""A group is published once whatever a crash leaves of it, and decided only where the tables can take it."""

from __future__ import annotations

from pathlib import Path

import pytest
from deltalake import DeltaTable

from jobs.runtime.errors import ContractError
from jobs.runtime.files import Files
from jobs.runtime.lake import Lake
from jobs.runtime.publish import JOURNAL, Entry, Group, decide, publish, recover
from schemas.catalog import contract_of
from tests.rows import make_rows

QUARANTINE, PLAYS = "ops.quarantine", "bronze.file_listens"


class CrashError(Exception):
    """Stands for the death of the process."""


def group_of(lake: Lake, group_id: str, table: str, *, once_by: str = "", **values: object) -> Group:
    """One staged row that is to be appended to a table."""
    path = lake.staging(group_id, "rows")
    make_rows(lake.spark, contract_of(table), values).coalesce(1).write.parquet(path)
    return Group(group_id, "2026-10-01", (Entry(table, path, "append", once_by=once_by),))


def refused(lake: Lake, group_id: str) -> Group:
    return group_of(lake, group_id, QUARANTINE, once_by="record_id", record_id="the-same-one")


def done(lake: Lake, group: Group) -> None:
    decide(lake, group)
    publish(lake, group)


def crash_in_delete(monkeypatch: pytest.MonkeyPatch, *, after: int) -> None:
    """The process ends in a delete: `after` of them are done, of the next only the rows are gone."""
    deletes = 0
    delete = Files.delete

    def crashing(files: Files, path: str) -> None:
        nonlocal deletes
        deletes += 1
        if deletes > after:
            delete(files, f"{path}/rows")
            raise CrashError
        delete(files, path)

    monkeypatch.setattr(Files, "delete", crashing)


def test_a_crash_while_the_folder_is_dropped_costs_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    done(lake, refused(lake, "first"))
    second = refused(lake, "second")
    with monkeypatch.context() as patched:
        crash_in_delete(patched, after=1)
        with pytest.raises(CrashError):
            done(lake, second)
    assert lake.files.names(lake.staging()) == ["second"]
    assert recover(lake) == []
    assert lake.files.names(lake.staging()) == []
    assert (lake.version(QUARANTINE), lake.read(QUARANTINE).count()) == (0, 1)


def test_rows_that_are_gone_are_not_published_again(lake: Lake) -> None:
    """A journal beside what is left of the rows: they were known already, so no commit tells of them."""
    done(lake, refused(lake, "first"))
    second = refused(lake, "second")
    decide(lake, second)
    lake.files.delete(second.entries[0].path)
    assert recover(lake) == [second]
    assert (lake.version(QUARANTINE), lake.read(QUARANTINE).count()) == (0, 1)


def test_an_interrupted_group_is_known_where_the_log_begins_late(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(3):
        done(lake, group_of(lake, f"group-{number}", PLAYS, event_id=f"event-{number}"))
    last = group_of(lake, "last", PLAYS, event_id="the-last")
    with monkeypatch.context() as patched:
        crash_in_delete(patched, after=0)  # of the journal: it and the rows stay
        with pytest.raises(CrashError):
            done(lake, last)
    DeltaTable(lake.path(PLAYS)).create_checkpoint()
    (Path(lake.path(PLAYS)) / "_delta_log" / f"{0:020d}.json").unlink()
    assert lake.commits(PLAYS, -1) is None
    assert recover(lake) == [last]
    assert (lake.version(PLAYS), lake.read(PLAYS).count()) == (3, 4)


def test_a_group_is_not_decided_where_a_table_has_drifted(lake: Lake) -> None:
    lake.spark.range(1).selectExpr("id AS record_id").write.format("delta").save(lake.path(QUARANTINE))
    with pytest.raises(ContractError, match="record_id"):
        decide(lake, refused(lake, "drifted"))
    assert not lake.files.exists(lake.staging("drifted", JOURNAL))
    assert recover(lake) == []
    assert lake.files.names(lake.staging()) == []
