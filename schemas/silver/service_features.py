"""Audio features as the services measured them."""

from __future__ import annotations

from schemas.contract import STRING, Column, Contract, OneOf
from schemas.silver.features import AUDIO_FEATURES, FEATURE_CHECKS
from schemas.vocab import SERVICE_FEATURE_SOURCES

CONTRACT = Contract(
    table="silver.service_features",
    doc="The audio features that services gave, by the key they were asked for.",
    grain="A track key and a service that has features for it.",
    key=("track_key", "source"),
    columns=(
        Column("track_key", STRING, "What the service was asked for: silver.tracks.track_key"),
        Column("source", STRING, "spotify or reccobeats"),
        *AUDIO_FEATURES,
    ),
    checks=(OneOf("source", SERVICE_FEATURE_SOURCES), *FEATURE_CHECKS),
    clustering=("track_key",),
)
