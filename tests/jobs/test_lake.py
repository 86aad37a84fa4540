"""A built lake read back by outside readers, status and check; and its guards: audit, drift, history, restore."""

from __future__ import annotations

import io
import math
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rich.console import Console

from jobs.checking import check_lake, print_verdicts
from jobs.groups import Run
from jobs.plan import STEPS
from jobs.runner import execute
from jobs.runtime.errors import ContractError, LakeVersionError
from jobs.runtime.lake import Lake, Stamp
from jobs.runtime.ops import new_run_id
from jobs.runtime.settings import LakeSettings, Settings
from jobs.status import print_status
from jobs.summary import coverage
from tests import worlds
from tests.lakes import GOLD, SILVER, built_tables, business_rows, import_catalogue, import_plays, run, with_tables_of

NIGHT = date(2026, 10, 1)


@pytest.fixture(scope="module")
def built(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """A small lake with a full and an incremental run behind it; read only."""
    folder = tmp_path_factory.mktemp("built")
    settings = Settings(lake=LakeSettings(root=str(folder / "lake")))
    lake = Lake(spark, settings.lake)
    songs = worlds.songs(25, seed=5)
    first = datetime(2026, 8, 1)  # noqa: DTZ001
    plays = worlds.plays(songs, users=("ash", "birch", "cedar"), first=first, days=60, count=200, seed=5)
    import_catalogue(lake, settings, folder, songs)
    import_plays(lake, settings, folder, plays[:150])
    run(lake, settings, NIGHT)
    import_plays(lake, settings, folder, plays[150:])
    run(lake, settings, NIGHT)
    return lake


@pytest.fixture
def copied(built: Lake, lake: Lake, settings: Settings) -> Lake:
    """A copy of it, to be changed."""
    return with_tables_of(Path(built.root), lake, settings)


def plain(value: Any) -> Any:
    """A value as every reader can tell it: moments as naive UTC, containers in order."""
    if isinstance(value, dict):
        return sorted((key, plain(inner)) for key, inner in value.items())
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return None if isinstance(value, float) and math.isnan(value) else value


def test_outside_readers_see_the_same_rows(built: Lake) -> None:
    tables = built_tables(built)
    assert len(tables) == len([step for step in STEPS if not step.for_many])
    duckdb.sql("SET TimeZone = 'UTC'")
    for table in tables:
        rows = built.read(table)
        expected = sorted(repr(plain(list(row.asDict(recursive=True).values()))) for row in rows.collect())
        arrow = DeltaTable(built.path(table)).to_pyarrow_table().select(rows.columns)
        maps = {name for name in rows.columns if rows.schema[name].dataType.typeName() == "map"}
        outside = [
            {k: dict(v) if k in maps and v is not None else v for k, v in row.items()} for row in arrow.to_pylist()
        ]
        assert sorted(repr(plain(list(row.values()))) for row in outside) == expected, table
        assert sorted(repr(plain(list(row))) for row in duckdb.sql("FROM arrow").fetchall()) == expected, table
        files = DeltaTable(built.path(table)).file_uris()
        assert files or not expected, table
        if files:
            names = ", ".join(f'"{name}"' for name in rows.columns)
            on_disk = duckdb.sql(f"SELECT {names} FROM read_parquet({files!r})").fetchall()
            assert sorted(repr(plain(list(row))) for row in on_disk) == expected, table


def test_check_holds_and_status_tells(built: Lake) -> None:
    verdicts = check_lake(built, NIGHT)
    assert len(verdicts) > 40
    assert [str(v) for v in verdicts if not v.holds and v.metric.severity == "fail"] == []
    console = Console(file=io.StringIO(), width=200)
    print_verdicts(verdicts, console)
    print_status(built, console)
    told = console.file.getvalue()  # type: ignore[attr-defined]
    for expected in ("silver.enriched_listens", "Last runs", "Watermarks", "Last imports"):
        assert expected in told


def test_coverage_counts_plays_and_tracks(built: Lake) -> None:
    plays, tracks, by_source = coverage(built)
    listens = built.read("silver.enriched_listens")
    assert plays.total == listens.count() == sum(by_source.values())
    assert plays.covered == listens.where("feature_source <> 'none'").count()
    assert tracks.total == listens.select("track_id").distinct().count()
    assert plays.measured == listens.where("feature_source = 'kaggle'").count() < plays.covered
    assert str(plays).startswith(f"Coverage: {plays.covered}/{plays.total} = ")
    assert str(plays).endswith(" % measured")


def test_every_play_is_in_listens_once_or_accounted_for(built: Lake) -> None:
    listens = built.read("silver.listens")
    assert listens.agg(F.sum("record_count")).first()[0] == built.read("bronze.file_listens").count()
    alike = listens.groupBy("source", "user_id", "played_at", "artist_name", "track_name").count()
    assert alike.where("count > 1").isEmpty()
    assert built.read("silver.enriched_listens").count() == listens.count()


def test_commits_carry_the_run_and_the_versions_read(built: Lake) -> None:
    commit = built.last_commit("silver.user_track_days")
    assert commit is not None
    assert commit.mode == "merge"
    assert commit.reads == {"silver.listens": built.version("silver.listens")}


def test_a_failed_audit_publishes_nothing_and_keeps_the_bookmarks(
    lake: Lake, settings: Settings, tmp_path: Path
) -> None:
    song = worlds.Song("A", "B", worlds.spotify_id(1))
    import_catalogue(lake, settings, tmp_path, [song])
    import_plays(lake, settings, tmp_path, [worlds.Play("ash", datetime(2026, 9, 1), song)])  # noqa: DTZ001
    lake.append("ops.accounts", lake.read("ops.accounts"), Stamp("a-second-row-of-one-listener", str(NIGHT)))

    failed = execute(lake, settings, Run(new_run_id(), NIGHT))
    assert [outcome.status for outcome in failed] == ["failed", "skipped"]
    recorded = {row["stage"]: row["status"] for row in lake.read("ops.runs").collect()}
    assert recorded == {"silver": "failed", "gold": "skipped"}
    assert "silver.users/duplicate_keys" in failed[0].messages[0]
    assert built_tables(lake) == []
    assert lake.files.names(lake.staging()) == []

    accounts = lake.read("ops.accounts").dropDuplicates(["user_id"]).localCheckpoint()
    lake.replace("ops.accounts", accounts, Stamp("mended", str(NIGHT)))
    run(lake, settings, NIGHT, only=SILVER)
    assert lake.read("silver.listens").count() == 1


def test_a_stored_column_of_another_type_is_refused(lake: Lake) -> None:
    lake.spark.range(1).selectExpr("id AS user_id").write.format("delta").save(lake.path("silver.users"))
    with pytest.raises(ContractError, match="user_id"):
        lake.guard_schema("silver.users")


def test_a_lake_without_its_marker_is_refused(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    import_catalogue(lake, settings, tmp_path, worlds.songs(4, seed=1))
    lake.files.delete(f"{lake.root}/_lake.json")
    with pytest.raises(LakeVersionError, match="backup"):
        Lake(lake.spark, settings.lake)


def test_coverage_keeps_its_history(copied: Lake, settings: Settings) -> None:
    run(copied, settings, date(2026, 10, 2), only=GOLD)
    run(copied, settings, date(2026, 10, 2), full=True, only=GOLD)
    dates = {str(row["run_date"]) for row in copied.read("gold.feature_coverage").collect()}
    assert dates == {"2026-10-01", "2026-10-02"}


def test_a_restored_input_means_a_full_build_and_says_so(copied: Lake, settings: Settings) -> None:
    heard = copied.read("silver.listens").count()
    copied.spark.sql(f"RESTORE TABLE delta.`{copied.path('silver.listens')}` TO VERSION AS OF 0")
    assert copied.read("silver.listens").count() < heard
    (silver,) = run(copied, settings, NIGHT, only=SILVER)
    assert any("silver.listens in full: the table was restored" in message for message in silver.messages)
    assert copied.read("silver.listens").count() == copied.read("silver.enriched_listens").count() == heard


def test_a_night_after_two_full_builds_is_an_increment(lake: Lake, settings: Settings, tmp_path: Path) -> None:
    """A table that stays empty gets no commit by being replaced, and must not be waited for."""
    song = worlds.Song("A", "B", worlds.spotify_id(1))
    import_plays(lake, settings, tmp_path, [worlds.Play("ash", datetime(2026, 9, 1), song)])  # noqa: DTZ001
    for _ in range(2):
        run(lake, settings, NIGHT, full=True, only=SILVER)
    import_plays(lake, settings, tmp_path, [worlds.Play("ash", datetime(2026, 9, 2), song)])  # noqa: DTZ001
    (silver,) = run(lake, settings, NIGHT, only=SILVER)
    assert not [message for message in silver.messages if "no longer reaches back" in message]
    assert lake.read("silver.enriched_listens").count() == 2


def test_a_stage_that_dies_is_recorded_without_the_words_it_died_with(
    lake: Lake, settings: Settings, tmp_path: Path
) -> None:
    import_catalogue(lake, settings, tmp_path, worlds.songs(4, seed=1))
    lake.files.write_text(f"{lake.path('silver.users')}/_delta_log/{0:020d}.json", "canary-words")
    with pytest.raises(Exception, match="FAILED_READ_FILE"):
        execute(lake, settings, Run(new_run_id(), NIGHT))
    (row,) = lake.read("ops.runs").collect()
    assert (row["stage"], row["status"]) == ("silver", "failed")
    assert row["message"] == "Py4JJavaError"


def test_a_new_column_of_the_contract_is_null_until_built(copied: Lake, settings: Settings) -> None:
    def entries() -> set[int | None]:
        return {row["entry_count"] for row in copied.read("gold.user_mood_days").collect()}

    as_of_old(copied, "gold.user_mood_days", "entry_count")
    assert copied.missing_columns("gold.user_mood_days") == ["entry_count"]
    assert entries() == {None}

    (gold,) = run(copied, settings, NIGHT, only=GOLD)
    assert "gold.user_mood_days in full: the contract has new columns: entry_count" in gold.messages
    assert entries() == {0}

    as_of_old(copied, "ops.accounts", "user_name")
    newest = copied.version("ops.accounts")
    assert newest is not None
    changes = copied.read_changes("ops.accounts", newest, newest)
    assert {row["user_name"] for row in changes.where("_sign > 0").collect()} == {None}
    change = changes.where("_sign > 0").limit(1).drop("_sign").selectExpr("'update' AS _change", "*")
    copied.merge("ops.accounts", change.withColumn("user_name", F.lit("ash")), Stamp("merged", str(NIGHT)))
    named = [row["user_name"] for row in copied.read("ops.accounts").collect()]
    assert sorted(named, key=str) == [None, None, "ash"]


def as_of_old(lake: Lake, table: str, column: str) -> None:
    """Store the table as an older Moodlake did, without the column."""
    rows = lake.spark.read.format("delta").load(lake.path(table)).drop(column).localCheckpoint()
    rows.write.format("delta").mode("overwrite").option("overwriteSchema", "true").save(lake.path(table))


def test_a_backfill_rebuilds_its_days_down_to_what_hangs_on_them(copied: Lake, settings: Settings) -> None:
    tables = ("silver.listens", "silver.user_track_days", "silver.enriched_listens", "gold.user_mood_profiles")
    right = business_rows(copied, NIGHT)
    for table in ("silver.listens", "silver.user_track_days"):
        path = copied.path(table)
        copied.spark.sql(f"DELETE FROM delta.`{path}` WHERE listen_date = DATE'2026-09-05'")
    assert business_rows(copied, NIGHT)["silver.listens"] != right["silver.listens"]

    outcomes = execute(copied, settings, Run(new_run_id(), NIGHT, window=(date(2026, 9, 4), date(2026, 9, 7))))
    assert [outcome.status for outcome in outcomes] == ["ok", "ok"]
    found = business_rows(copied, NIGHT)
    for table in tables:
        assert found[table] == right[table], table


def test_a_fold_cannot_take_back_deleted_plays(copied: Lake, settings: Settings) -> None:
    title = copied.read("silver.track_identities").first()["track_name"]
    path = copied.path("bronze.file_listens")
    copied.spark.sql(f"DELETE FROM delta.`{path}` WHERE contains(payload, '{title}')")
    left = copied.read("bronze.file_listens").count()

    (silver,) = run(copied, settings, NIGHT, only=SILVER)
    assert any("bronze.file_listens were deleted" in message for message in silver.messages)
    for table in ("silver.listens", "silver.enriched_listens"):
        assert copied.read(table).count() == left, table
    names = {row["track_name"] for row in copied.read("silver.track_identities").collect()}
    assert names
    assert title not in names
