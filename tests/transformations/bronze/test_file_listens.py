"""Plain files state the start of a play in many spellings; whose it is stands beside the payload, never in it."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from pyspark.sql import DataFrame, SparkSession

from schemas.bronze.file_listens import CONTRACT
from tests.rows import checked, imported, values
from transformations.bronze.file_listens import build

NOW = datetime(2024, 6, 1, tzinfo=UTC)
COLUMNS = ("user_id", "played_at", "artist_name", "track_name", "ms_played", "duration_ms")
LINE = ("u1", "2024-03-01T12:00:00Z", "Björk", "Jóga", "180000", "305000")


def line(**changes: str | None) -> tuple[str | None, ...]:
    return tuple(dict(zip(COLUMNS, LINE, strict=True), **changes)[name] for name in COLUMNS)


def events(spark: SparkSession, *lines: tuple[str | None, ...], time_zone: str = "UTC") -> DataFrame:
    schema = ", ".join(f"{name} string" for name in COLUMNS) + ", _row long"
    records = spark.createDataFrame([(*given, n) for n, given in enumerate(lines)], schema)
    return build(records=records, feed="csv:diary", now=NOW, time_zone=time_zone)


def starts(spark: SparkSession, *stamps: str, time_zone: str = "UTC") -> list[str | None]:
    lines = [line(played_at=stamp) for stamp in stamps]
    return [event["event_at"] for event in values(events(spark, *lines, time_zone=time_zone))]


def test_a_line_is_an_event_and_its_listener_is_not_in_the_payload(spark: SparkSession) -> None:
    (event,) = checked(imported(events(spark, LINE)), CONTRACT)
    assert (event["user_id"], event["event_at"], event["_source"]) == ("u1", "2024-03-01 12:00:00", "csv:diary")
    assert json.loads(event["payload"]) == dict(zip(COLUMNS[1:], LINE[1:], strict=True))


def test_no_lines_give_no_events(spark: SparkSession) -> None:
    assert checked(imported(events(spark)), CONTRACT) == []


def test_a_file_with_the_needed_columns_alone_is_enough(spark: SparkSession) -> None:
    records = spark.createDataFrame([(*LINE[:4], 0)], "user_id string, played_at string, artist_name string, "
                                    "track_name string, _row long")  # fmt: skip
    (event,) = values(build(records=records, feed="lastfm_1k", now=NOW))
    assert (event["event_at"], event["_violations"]) == ("2024-03-01 12:00:00", [])


def test_one_moment_in_every_spelling(spark: SparkSession) -> None:
    spellings = (
        "2024-03-01T12:00:00Z",
        "2024-03-01T12:00:00.000Z",
        "2024-03-01 12:00:00",
        "2024-03-01 12:00",
        " 2024-03-01T12:00 ",
        "2024-03-01T14:00:00+02:00",
        "2024-03-01T07:00:00-0500",
        "1709294400",
        "1709294400000",
    )
    assert set(starts(spark, *spellings)) == {"2024-03-01 12:00:00"}
    assert len({event["event_id"] for event in values(events(spark, *(line(played_at=s) for s in spellings)))}) == 1


def test_the_time_zone_reads_what_has_no_offset_only(spark: SparkSession) -> None:
    stamps = (
        "2024-03-01 12:00:00",
        "2024-07-01 12:00",
        "2024-03-01T12:00:00Z",
        "2024-03-01T12:00:00+05:30",
        "1709294400",
    )
    assert starts(spark, *stamps, time_zone="Europe/Berlin") == [
        "2024-03-01 11:00:00",
        "2024-07-01 10:00:00",
        "2024-03-01 12:00:00",
        "2024-03-01 06:30:00",
        "2024-03-01 12:00:00",
    ]


def test_an_offset_of_hours_alone_is_an_offset(spark: SparkSession) -> None:
    stamps = ("2024-03-01 12:00:00+00", "2024-03-01 13:00:00+01", "2024-03-01 12:00:00 UTC", "2024-03-01T12:00:00z")
    assert starts(spark, *stamps, time_zone="Europe/Berlin") == ["2024-03-01 12:00:00"] * len(stamps)


def test_repeats_share_an_id_and_listeners_do_not(spark: SparkSession) -> None:
    ids = [event["event_id"] for event in values(events(spark, LINE, LINE, line(user_id="u2")))]
    assert ids[0] == ids[1] != ids[2]


def test_what_is_wrong_becomes_rule_ids(spark: SparkSession) -> None:
    cases = {
        "fine": (line(ms_played=None, duration_ms=None), []),
        "decimals": (line(ms_played="215000.0", duration_ms=" 305000.0 "), []),
        "no stamp": (line(played_at=None), ["bad_timestamp"]),
        "day alone": (line(played_at="2024-03-01"), ["bad_timestamp"]),
        "words": (line(played_at="a while ago"), ["bad_timestamp"]),
        "broken clock": (line(played_at="1970-01-01T00:00:00Z"), ["implausible_time"]),
        "future": (line(played_at="2024-06-02T00:00:01Z"), ["implausible_time"]),
        "nobody": (line(user_id=None), ["missing_user"]),
        "no names": (line(artist_name="", track_name=None), ["missing_artist_name", "missing_track_name"]),
        "negative": (line(ms_played="-5"), ["negative_ms_played"]),
        "played words": (line(ms_played="long"), ["bad_ms_played"]),
        "no number": (line(ms_played="NaN"), ["bad_ms_played"]),
        "length words": (line(duration_ms="long"), ["bad_duration_ms"]),
    }
    got = values(events(spark, *(given for given, _ in cases.values())))
    assert {name: event["_violations"] for name, event in zip(cases, got, strict=True)} == {
        name: rules for name, (_, rules) in cases.items()
    }


def test_an_absurd_ms_played_is_refused(spark: SparkSession) -> None:
    (event,) = values(events(spark, line(ms_played=str(2**63 - 1))))
    assert event["_violations"]
