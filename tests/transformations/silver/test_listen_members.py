"""Every event of a listen leads to it, once."""

from __future__ import annotations

from datetime import date
from typing import Any

from pyspark.sql import SparkSession

from schemas.silver.listen_members import CONTRACT
from schemas.silver.listens import CONTRACT as LISTENS
from schemas.silver.listens import MEMBER_FIELDS
from tests.rows import checked, empty, make_rows
from transformations.silver.listen_members import build


def member(event_id: str) -> dict[str, Any]:
    return {**dict.fromkeys(MEMBER_FIELDS, "x"), "event_id": event_id}


def test_a_listen_of_one_record_is_its_own_member_and_of_several_each_is(spark: SparkSession) -> None:
    listens = ({"listen_id": "a", "user_id": "u1"}, {"listen_id": "b", "members": [member("b"), member("c")]})
    got = checked(build(listens=make_rows(spark, LISTENS, *listens)), CONTRACT)
    assert [(row["event_id"], row["listen_id"]) for row in got] == [("a", "a"), ("b", "b"), ("c", "b")]
    assert (got[0]["user_id"], got[0]["listen_date"]) == ("u1", date(2024, 1, 1))


def test_no_listens_have_no_members(spark: SparkSession) -> None:
    assert checked(build(listens=empty(spark, LISTENS)), CONTRACT) == []
