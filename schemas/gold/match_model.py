"""The population as matches of many listeners are worked out by: pinned between refits."""

from __future__ import annotations

from pyspark.sql.types import ArrayType, FloatType, StructField, StructType

from schemas.contract import DOUBLE, LONG, STRING, Between, Column, Contract, OneOf
from schemas.vocab import MODEL_KINDS

NUMBERS, DIRECTIONS = ArrayType(DOUBLE), ArrayType(FloatType())
GENRE_WEIGHT = StructType([StructField("genre", STRING), StructField("weight", DOUBLE)])
ARTIST_WEIGHT = StructType([StructField("artist_id", STRING), StructField("weight", DOUBLE)])

CONTRACT = Contract(
    table="gold.match_model",
    doc="Population statistics by which matches of more listeners than MATCHES__EXACT_UP_TO_USERS are worked out, "
    "pinned until listeners or artists have changed by MATCHES__REFIT_ABOVE_GROWTH or one of the sample leaves; no row "
    "up to that size.",
    grain="The population, an artist, the middle of a cell, or a listener of the sample that says who is a hub.",
    key=("kind", "id"),
    columns=(
        Column("kind", STRING, "population, artist, cell or listener"),
        Column("id", STRING, "The model's version (a hash of its content), artist_id, number of the cell, or user_id"),
        Column("listener_count", LONG, "Of the population its listeners, of an artist its", nullable=True),
        Column("artist_count", LONG, "Of the population its artists", nullable=True),
        Column(
            "rarity",
            DOUBLE,
            "What a play of the artist weighs; of the population, of an artist it does not know",
            nullable=True,
        ),
        Column(
            "neighbours",
            DIRECTIONS,
            "Main directions of who shares artists: an artist's row of the basis, the vector of a cell or a listener",
            nullable=True,
        ),
        Column("genres", DIRECTIONS, "Main directions of genres, likewise", nullable=True),
        Column("genre_weights", ArrayType(GENRE_WEIGHT), "An artist's genres, the rarer the heavier", nullable=True),
        Column("artists", ArrayType(ARTIST_WEIGHT), "A listener's artists: a vector of length 1", nullable=True),
        Column("sound", NUMBERS, "Per feature the population's mean, or a listener's vector", nullable=True),
        Column("sound_spreads", NUMBERS, "Per feature the population's standard deviation", nullable=True),
        Column("moods", NUMBERS, "Per mood the population's mean share, or a listener's vector", nullable=True),
    ),
    checks=(OneOf("kind", MODEL_KINDS), Between("listener_count", 1, None), Between("rarity", 0, None)),
    clustering=("kind", "id"),
    personal_data="pseudonymous",
)
