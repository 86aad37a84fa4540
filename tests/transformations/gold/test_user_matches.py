"""A match is what its explanation sums up."""

from __future__ import annotations

from pyspark.sql import SparkSession

from schemas.gold.user_match_explanations import CONTRACT as EXPLANATIONS
from schemas.gold.user_matches import CONTRACT, PARTS
from tests.rows import checked, make_rows
from transformations.gold.user_matches import build

SUMMARY = {
    "rank": 1,
    "score": 0.5,
    "parts": {**dict.fromkeys(PARTS.names, 0.0), "artists": 0.5},
    "shared_artists_count": 3,
    "artist_affinity": 0.4,
    "genre_overlap": 0.0,
    "audio_affinity": None,
    "mood_affinity": 0.1,
    "basis": "plays",
}


def test_a_row_is_the_summary_of_its_explanation(spark: SparkSession) -> None:
    pairs = [{"user_id": one, "match_user_id": other, "summary": SUMMARY} for one, other in ("ab", "ba")]
    rows = checked(build(user_match_explanations=make_rows(spark, EXPLANATIONS, *pairs)), CONTRACT)
    assert rows == [{"user_id": one, "match_user_id": other, **SUMMARY} for one, other in ("ab", "ba")]
    assert checked(build(user_match_explanations=make_rows(spark, EXPLANATIONS)), CONTRACT) == []
