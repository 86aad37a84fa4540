"""The session's own ways: what every column asks of the JVM."""

from __future__ import annotations

from typing import Any

import pytest
from py4j.protocol import REFLECTION_COMMAND_NAME
from pyspark.sql import SparkSession
from pyspark.sql import functions as F


def test_a_column_looks_up_nothing_that_one_before_looked_up(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert spark._jvm is not None
    client: Any = spark._jvm._gateway_client
    send, looked_up = client.send_command, []

    def sent(command: str, *args: Any, **named: Any) -> Any:
        looked_up.extend([command] if command.startswith(REFLECTION_COMMAND_NAME) else [])
        return send(command, *args, **named)

    def columns() -> None:
        F.coalesce(F.col("a"), F.struct("b", F.lit(1)))

    columns()
    monkeypatch.setattr(client, "send_command", sent)
    columns()
    assert looked_up == []
