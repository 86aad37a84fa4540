"""How far a service's audio features are from the catalogue's."""

from __future__ import annotations

from schemas.contract import DOUBLE, LONG, STRING, Between, Column, Contract, OneOf
from schemas.silver.features import ESTIMATED_FEATURES

DRIFT_STATUSES = ("too_few", "even", "corrected", "flagged")

CONTRACT = Contract(
    table="silver.feature_drifts",
    doc="How far ReccoBeats, which models the features itself, is from the catalogue on the tracks that both have. A "
    "difference that is large and steady is subtracted in silver.track_features; one that is large alone is flagged.",
    grain="A service and a feature that it has of a track of the catalogue.",
    key=("source", "feature"),
    columns=(
        Column("source", STRING, "The service"),
        Column("feature", STRING, "The feature"),
        Column("track_count", LONG, "Tracks that both have it of"),
        Column("difference_mean", DOUBLE, "Mean of the service's value less the catalogue's, in the feature's unit"),
        Column("difference_spread", DOUBLE, "Standard deviation of that difference, in the feature's unit"),
        Column("status", STRING, "too_few to tell, even, corrected (large and steady), or flagged (large, not steady)"),
        Column("correction", DOUBLE, "What is subtracted from the service's values; in steps, 0 unless corrected"),
    ),
    checks=(
        OneOf("source", ("reccobeats",)),
        OneOf("feature", ESTIMATED_FEATURES),
        OneOf("status", DRIFT_STATUSES),
        Between("track_count", 1, None),
        Between("difference_spread", 0, None),
    ),
)
