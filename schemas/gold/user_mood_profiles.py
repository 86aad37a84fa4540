"""How a listener feels, per period: shares of the four moods over the plays that counted and the moods reported."""

from __future__ import annotations

from schemas.contract import DATE, DOUBLE, LONG, STRING, Between, Column, Contract, OneOf, References
from schemas.silver.moods import MOOD_CHECKS, MOOD_COLUMNS
from schemas.vocab import ENTRY_PLAYS, MOODS, PERIODS, PROFILE_STATUSES

CONTRACT = Contract(
    table="gold.user_mood_profiles",
    doc="How a listener feels, per period: means over the plays that counted and the moods that the listener reported, "
    f"each of which counts as {ENTRY_PLAYS} plays. Every listener has a row for every period; status says why one is "
    "empty.",
    grain="A listener and a period.",
    key=("user_id", "period"),
    columns=(
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column(
            "period",
            STRING,
            "all, 365d, 90d, 30d, 7d (local days up to as_of_date) or current (28 days; a day counts half of one that "
            "is PROFILE__CURRENT_HALF_LIFE_DAYS later)",
        ),
        Column(
            "status",
            STRING,
            "ok, too_few_plays (under 10), or no_features (enough plays, under 5 with a known mood); a reported mood "
            f"counts as {ENTRY_PLAYS}",
        ),
        *MOOD_COLUMNS,
        Column("dominant_mood", STRING, "The largest of the four; null unless ok", nullable=True),
        Column("valence_mean", DOUBLE, "Mean valence of the plays that have one; null unless ok", nullable=True),
        Column("energy_mean", DOUBLE, "Mean energy of the plays that have one; null unless ok", nullable=True),
        Column("listen_count", LONG, "Plays in the period that were not skipped"),
        Column("entry_count", LONG, "Moods that the listener reported in the period"),
        Column(
            "measured_share",
            DOUBLE,
            "Share of those plays whose features were measured, not estimated; null without plays",
            nullable=True,
        ),
        Column("as_of_date", DATE, "The last day of the period"),
    ),
    checks=(
        *MOOD_CHECKS,
        OneOf("period", PERIODS),
        OneOf("status", PROFILE_STATUSES),
        OneOf("dominant_mood", MOODS),
        Between("entry_count", 0, None),
        Between("measured_share", 0, 1),
        References("user_id", "silver.users", "user_id"),
    ),
    clustering=("user_id",),
    personal_data="pseudonymous",
)
