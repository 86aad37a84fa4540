"""Every account is a listener, with or without settings."""

from __future__ import annotations

from typing import Any

from pyspark.sql import DataFrame, SparkSession

from schemas.ops.accounts import CONTRACT as ACCOUNTS
from schemas.ops.user_settings import CONTRACT as USER_SETTINGS
from schemas.silver.users import CONTRACT
from tests.rows import checked, make_rows
from transformations.silver.users import build


def users(spark: SparkSession, accounts: tuple[str, ...], *user_settings: dict[str, Any]) -> DataFrame:
    named = ({"user_id": name, "user_name": f"{name}'s name"} for name in accounts)
    return build(
        accounts=make_rows(spark, ACCOUNTS, *named), user_settings=make_rows(spark, USER_SETTINGS, *user_settings)
    )


def test_settings_are_joined_and_defaults_stand_where_none_are_set(spark: SparkSession) -> None:
    mine = {"user_id": "u2", "display_name": "Two", "country": "DE", "time_zone": "Europe/Berlin"}
    assert checked(users(spark, ("u1", "u2", "u3"), mine, {"user_id": "u3"}), CONTRACT) == [
        {"user_id": "u1", "user_name": "u1's name", "display_name": "u1's name", "country": None, "time_zone": "UTC"},
        {**mine, "user_name": "u2's name"},
        {"user_id": "u3", "user_name": "u3's name", "display_name": "u3's name", "country": None, "time_zone": "UTC"},
    ]


def test_settings_without_an_account_make_no_listener(spark: SparkSession) -> None:
    assert checked(users(spark, (), {"user_id": "gone"}), CONTRACT) == []
