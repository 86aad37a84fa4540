"""Steps of DuckDB, each run in a new process: the import of a csv file, and the build of silver and gold."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from tests.benchmarks import duckdb_build, duckdb_gold
from tests.benchmarks.delta_files import rows_of
from tests.benchmarks.measure import Marks, step_main
from tests.benchmarks.settings import DUCKDB_THREADS, LABEL

PARQUET = "(FORMAT parquet, COMPRESSION zstd)"


def build(marks: Marks, *, root: str, out: str, as_of: str) -> None:
    """All tables from the very Parquet files of bronze, each written to Parquet and read back by the next."""
    with _connection(out) as connection:
        for view, table in (("file_listens", "bronze.file_listens"), ("kaggle_tracks", "bronze.kaggle_tracks")):
            connection.execute(f"CREATE VIEW {view} AS {rows_of(root, table)}")
        connection.execute(
            f"CREATE TABLE users AS SELECT user_id, coalesce(time_zone, 'UTC') AS time_zone "
            f"FROM ({rows_of(root, 'ops.accounts')}) LEFT JOIN ({rows_of(root, 'ops.user_settings')}) USING (user_id)"
        )
        with marks.span("build"):
            connection.execute(duckdb_build.preparation())
            for table, query in duckdb_build.tables(date.fromisoformat(as_of)).items():
                name = table.split(".")[1]
                path = f"{out}/{name}.parquet"
                with marks.span(table):
                    if table == "gold.user_mood_profiles":
                        connection.execute(duckdb_gold.MOOD_SUMS)
                    connection.execute(f"COPY ({query}) TO '{path}' {PARQUET}")
                    connection.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet('{path}')")


def imports(marks: Marks, *, root: str, file: str, out: str) -> None:
    """Read the csv, make events with ids and payloads, drop repeats and what the table has, write the rest."""
    sep = "chr(31)"
    with _connection(out) as connection:
        connection.execute(f"CREATE VIEW stored AS {rows_of(root, 'bronze.file_listens')}")
        connection.execute(f"CREATE TABLE accounts AS {rows_of(root, 'ops.accounts')}")
        with marks.span("import"):
            connection.execute(
                f"""CREATE TEMP TABLE events AS
                SELECT md5(concat_ws({sep}, 'csv:{LABEL}', a.user_id, epoch_us(played_at)::VARCHAR,
                        concat_ws({sep}, artist_name, track_name))) AS event_id,
                    a.user_id, played_at AS event_at,
                    to_json({{played_at: played_at::VARCHAR, artist_name: artist_name, track_name: track_name,
                        album_name: album_name, ms_played: ms_played, spotify_id: spotify_id}}) AS payload,
                    'csv:{LABEL}' AS _source, 'bench' AS _run_id, now() AS _ingested_at
                FROM read_csv('{file}', header = true, columns = {{user_id: 'VARCHAR', played_at: 'TIMESTAMPTZ',
                    artist_name: 'VARCHAR', track_name: 'VARCHAR', album_name: 'VARCHAR', ms_played: 'BIGINT',
                    spotify_id: 'VARCHAR'}}) f JOIN accounts a ON a.user_name = f.user_id"""
            )
            first, last = connection.execute("SELECT min(event_at), max(event_at) FROM events").fetchone() or (0, 0)
            connection.execute(
                f"""COPY (
                    SELECT * FROM events
                    WHERE event_id NOT IN (SELECT event_id FROM stored WHERE event_at BETWEEN $first AND $last)
                    QUALIFY row_number() OVER (PARTITION BY event_id) = 1
                ) TO '{out}/events.parquet' {PARQUET}""",
                {"first": first, "last": last},
            )
        counted = connection.execute(f"SELECT count(*) FROM '{out}/events.parquet'").fetchone()
        marks.facts["stored"] = counted[0] if counted else 0


def _connection(out: str) -> duckdb.DuckDBPyConnection:
    Path(out).mkdir(parents=True, exist_ok=True)
    connection = duckdb.connect()
    connection.execute(f"SET threads = {DUCKDB_THREADS}; SET temp_directory = '{out}/spill'; SET TimeZone = 'UTC'")
    return connection


if __name__ == "__main__":
    step_main({"build": build, "imports": imports})
