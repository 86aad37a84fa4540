"""The audio features as columns, shared by every table that carries them."""

from __future__ import annotations

from schemas.contract import DOUBLE, INT, Between, Column

AUDIO_FEATURES = (
    Column("danceability", DOUBLE, "How suited to dancing, 0-1", nullable=True),
    Column("energy", DOUBLE, "Perceived intensity, 0-1: the arousal axis of mood", nullable=True),
    Column("valence", DOUBLE, "Musical positiveness, 0-1: the pleasure axis of mood", nullable=True),
    Column("speechiness", DOUBLE, "Presence of spoken words, 0-1", nullable=True),
    Column("acousticness", DOUBLE, "Confidence that it is acoustic, 0-1", nullable=True),
    Column("instrumentalness", DOUBLE, "Likelihood of no vocals, 0-1", nullable=True),
    Column("liveness", DOUBLE, "Presence of an audience, 0-1", nullable=True),
    Column("loudness_db", DOUBLE, "Mean loudness", nullable=True, unit="dB"),
    Column("tempo_bpm", DOUBLE, "Tempo; null where the source gives 0", nullable=True, unit="bpm"),
    Column("key", INT, "Pitch class, 0 = C; null where unknown", nullable=True),
    Column("mode", INT, "1 major, 0 minor", nullable=True),
    Column("time_signature", INT, "Beats a bar; null where the source gives 0", nullable=True),
)
FEATURE_NAMES = tuple(column.name for column in AUDIO_FEATURES)
LEADING = ("valence", "energy")  # a mood is read from both, so they come from one source or not at all
# All but classes: the mean of keys is no key.
ESTIMATED_FEATURES = tuple(name for name in FEATURE_NAMES if name not in ("key", "mode", "time_signature"))

# Spotify documents 0-1 for the shares; loudness runs from about -60 to a few dB above 0 in the catalogue.
FEATURE_CHECKS = (
    *(Between(name, 0, 1) for name in FEATURE_NAMES[:7]),
    Between("loudness_db", -80, 20),
    Between("tempo_bpm", 1, 400),
    Between("key", 0, 11),
    Between("mode", 0, 1),
    Between("time_signature", 1, 12),
)
