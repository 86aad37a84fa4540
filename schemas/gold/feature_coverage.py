"""How much of what was played has features, night by night."""

from __future__ import annotations

from pyspark.sql.types import MapType

from schemas.contract import DATE, LONG, STRING, Between, Column, Contract

CONTRACT = Contract(
    table="gold.feature_coverage",
    doc="How much of what was played has features, by where they come from, night by night.",
    grain="A day of a run and a listener; user_id `*` stands for all.",
    key=("run_date", "user_id"),
    columns=(
        Column("run_date", DATE, "as_of_date of the run that counted"),
        Column("user_id", STRING, "Pseudonym of the listener, `*` for all"),
        Column("listen_count", LONG, "Plays, skipped ones included"),
        Column("covered_listen_count", LONG, "Plays whose track has features"),
        Column("track_count", LONG, "Distinct tracks played"),
        Column("covered_track_count", LONG, "Distinct tracks played that have features"),
        Column("listens_by_source", MapType(STRING, LONG), "Plays by feature_source"),
        Column("tracks_by_source", MapType(STRING, LONG), "Distinct tracks by feature_source"),
    ),
    checks=(Between("listen_count", 0, None), Between("covered_listen_count", 0, None)),
    personal_data="pseudonymous",
    history=True,
)
