"""Accounts and what their owners set to one row a listener."""

from __future__ import annotations

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

DEFAULT_TIME_ZONE = "UTC"


def build(*, accounts: DataFrame, user_settings: DataFrame) -> DataFrame:
    """An account in, a listener out; a listener without settings lives in UTC under the account's name."""
    return accounts.join(user_settings, on="user_id", how="left").select(
        "user_id",
        "user_name",
        F.coalesce("display_name", "user_name").alias("display_name"),
        "country",
        F.coalesce("time_zone", F.lit(DEFAULT_TIME_ZONE)).alias("time_zone"),
    )
