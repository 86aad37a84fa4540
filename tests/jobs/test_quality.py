"""Rules and checks of the contracts: what breaks them is found, null keeps them, and a refused row stops no other."""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.runtime.increments import difference
from jobs.runtime.lake import CHANGE, Lake
from jobs.runtime.quality import VIOLATIONS, judge, measure, with_violations
from jobs.runtime.settings import Settings
from schemas.catalog import contract_of
from schemas.contract import DOUBLE, STRING, Between, Column, Contract, Freshness, Matches, OneOf, References, SumsTo
from tests import worlds
from tests.lakes import SILVER, import_catalogue, import_plays, run, versions
from tests.rows import make_rows

NIGHT = date(2026, 10, 1)
TOYS = Contract(
    table="silver.toys",
    doc="Toys.",
    grain="A toy.",
    key=("toy_id",),
    columns=(
        Column("toy_id", STRING, "The toy"),
        Column("colour", STRING, "Its colour", nullable=True),
        Column("maker_id", STRING, "Who made it", nullable=True),
        Column("share", DOUBLE, "A share", nullable=True),
        Column("left", DOUBLE, "One part", nullable=True),
        Column("right", DOUBLE, "The other part", nullable=True),
    ),
    checks=(
        Between("share", 0, 1),
        OneOf("colour", ("red", "blue")),
        SumsTo(("left", "right"), 1.0),
        Matches("toy_id", "^[a-z]+$", severity="warn"),
        References("maker_id", "silver.makers", "maker_id"),
    ),
)


def test_every_rule_finds_what_breaks_it_and_lets_null_pass(spark: SparkSession) -> None:
    cases: dict[str, tuple[dict[str, object], list[str]]] = {
        "null": ({}, []),
        "edges": ({"share": 1.0, "colour": "red", "left": 0.25, "right": 0.75}, []),
        "rounding": ({"left": 0.1 + 0.2, "right": 0.7}, []),
        "above": ({"share": 1.5}, ["between_share"]),
        "below": ({"share": -0.1}, ["between_share"]),
        "not a number": ({"share": math.nan}, ["between_share"]),
        "endless": ({"share": math.inf}, ["between_share"]),
        "another colour": ({"colour": "green"}, ["one_of_colour"]),
        "another sum": ({"left": 0.5, "right": 0.6}, ["sums_to_left"]),
        "half a sum": ({"left": 1.0}, ["sums_to_left"]),
        "no key": ({"toy_id": None}, ["not_null_toy_id"]),
        "only a warning": ({"toy_id": "T-1"}, []),
        "all at once": ({"share": 2.0, "colour": "green"}, ["between_share", "one_of_colour"]),
    }
    rows = [{"toy_id": "toy"} | values for values, _ in cases.values()]
    judged = with_violations(make_rows(spark, TOYS, *rows), TOYS).collect()
    assert {name: row[VIOLATIONS] for name, row in zip(cases, judged, strict=True)} == {
        name: rules for name, (_, rules) in cases.items()
    }


def test_checks_of_a_table_are_measured_and_judged(spark: SparkSession) -> None:
    makers = spark.createDataFrame([("m",)], "maker_id string")
    rows = make_rows(
        spark,
        TOYS,
        {"toy_id": "a", "maker_id": "m"},
        {"toy_id": "b", "maker_id": "nobody"},
        {"toy_id": "b", "maker_id": None},
        {"toy_id": "C"},
    )
    metrics = measure([(TOYS, rows, True)], lambda _: makers, NIGHT)
    told = {v.metric.name: (v.metric.value, v.metric.severity, v.holds) for v in judge(metrics)}
    assert told == {
        "duplicate_keys": (1, "fail", False),
        "matches_toy_id": (1, "warn", False),
        "references_maker_id": (1, "fail", False),
    }
    sound = measure([(TOYS, rows.where("toy_id = 'a'"), True)], lambda _: makers, NIGHT)
    assert all(verdict.holds for verdict in judge(sound))


def test_a_table_that_has_grown_old_is_told(spark: SparkSession) -> None:
    contract = contract_of("gold.user_mood_days")
    aged = Contract(
        contract.table, contract.doc, contract.grain, contract.key, contract.columns, (Freshness("mood_date", 7),)
    )
    rows = make_rows(spark, contract, {"mood_date": date(2026, 9, 1)})
    (stale,) = [m for m in measure([(aged, rows, True)], lambda _: rows, NIGHT) if m.name == "freshness_mood_date"]
    assert (stale.value, stale.severity) == (30, "warn")
    assert not judge([stale])[0].holds


def test_a_refused_row_takes_what_it_would_have_replaced_with_it(spark: SparkSession) -> None:
    contract = contract_of("silver.catalogue_tracks")
    first, second, third = (worlds.spotify_id(number) for number in range(3))
    stored = make_rows(spark, contract, {"spotify_id": first, "valence": 0.5}, {"spotify_id": third, "valence": 0.5})
    built = make_rows(
        spark,
        contract,
        {"spotify_id": first, "valence": 1.5},
        {"spotify_id": second, "valence": 1.5},
        {"spotify_id": third, "valence": 0.5},
    )
    changes = difference(with_violations(built, contract), stored, contract.table).collect()
    assert sorted((row[CHANGE], row["spotify_id"], row["valence"], tuple(row[VIOLATIONS])) for row in changes) == [
        ("delete", first, 0.5, ()),
        ("quarantine", first, 1.5, ("between_valence",)),
        ("quarantine", second, 1.5, ("between_valence",)),
    ]


def test_a_build_refuses_a_row_and_goes_on(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    sound = worlds.Song("The Tin Lanterns", "Glass Harbour", worlds.spotify_id(1))
    absurd = worlds.Song("Moss", "Out of Range", worlds.spotify_id(2), valence=1.5)
    day = datetime(2026, 9, 1)  # noqa: DTZ001
    import_plays(lake, settings, tmp_path, [worlds.Play("ash", day, song) for song in (sound, absurd)])
    import_catalogue(lake, settings, tmp_path, [sound])
    run(lake, settings, NIGHT, only=SILVER)
    import_catalogue(lake, settings, tmp_path, [sound, absurd])

    (silver,) = run(lake, settings, NIGHT, only=SILVER)
    assert silver.quarantined == 1
    (row,) = lake.read("ops.quarantine").collect()
    assert (row["source"], row["table"], row["rules"]) == ("build", "silver.catalogue_tracks", ["between_valence"])
    assert json.loads(row["payload"])["spotify_id"] == absurd.spotify_id
    assert (row["place"], row["record_sha256"], row["user_id"]) == (None, None, None)
    heard = {r["track_name"]: r["feature_source"] for r in lake.read("silver.enriched_listens").collect()}
    assert heard == {sound.title: "kaggle", absurd.title: "none"}

    before = versions(lake)
    (silent,) = run(lake, settings, NIGHT, only=SILVER)
    assert (silent.tables, silent.quarantined, silent.messages) == ([], 0, [])
    assert versions(lake) == before

    (rebuilt,) = run(lake, settings, NIGHT, full=True, only=SILVER)
    assert rebuilt.quarantined == 1
    assert [r["spotify_id"] for r in lake.read("silver.catalogue_tracks").collect()] == [sound.spotify_id]
    assert lake.read("ops.quarantine").count() == 1
