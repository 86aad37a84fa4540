"""Every listen stays, once, whatever is known of its track."""

from __future__ import annotations

from pyspark.sql import SparkSession

from schemas.silver.enriched_listens import CONTRACT
from schemas.silver.listens import CONTRACT as LISTENS
from schemas.silver.track_features import CONTRACT as TRACK_FEATURES
from schemas.silver.track_moods import CONTRACT as TRACK_MOODS
from schemas.silver.tracks import CONTRACT as TRACKS
from schemas.vocab import MOODS
from tests.rows import checked, empty, make_rows
from transformations.silver.enriched_listens import build

HAPPY = {"happy": 0.7, "angry": 0.1, "sad": 0.1, "relaxed": 0.1, "mood": "happy", "mood_source": "sound"}


def test_listens_carry_genres_features_and_mood_or_say_that_there_are_none(spark: SparkSession) -> None:
    listens = [{"listen_id": f"l{n}", "track_id": track} for n, track in enumerate(("t1", "t1", "t2", "t3"))]
    sound = {"track_id": "t1", "valence": 0.8, "energy": 0.6, "feature_source": "kaggle", "feature_confidence": 1.0}
    rows = build(
        listens=make_rows(spark, LISTENS, *listens),
        tracks=make_rows(spark, TRACKS, {"track_id": "t1", "genres": ["pop"]}, {"track_id": "t2", "genres": []}),
        track_features=make_rows(spark, TRACK_FEATURES, sound),
        track_moods=make_rows(spark, TRACK_MOODS, {"track_id": "t1", "mood_confidence": 0.7, **HAPPY}),
    )
    got = checked(rows, CONTRACT)
    assert [listen["listen_id"] for listen in got] == ["l0", "l1", "l2", "l3"]
    shown = ("genres", "valence", "feature_source", "feature_confidence", "mood", "mood_source", "mood_confidence")
    known = (["pop"], 0.8, "kaggle", 1.0, "happy", "sound", 0.7)
    unknown = ([], None, "none", 0.0, "unknown", "none", 0.0)
    assert [tuple(listen[name] for name in shown) for listen in got] == [known, known, unknown, unknown]
    assert {got[2][mood] for mood in MOODS} == {None}


def test_no_listens_give_none(spark: SparkSession) -> None:
    rows = build(
        listens=empty(spark, LISTENS),
        tracks=make_rows(spark, TRACKS, {}),
        track_features=empty(spark, TRACK_FEATURES),
        track_moods=empty(spark, TRACK_MOODS),
    )
    assert checked(rows, CONTRACT) == []
