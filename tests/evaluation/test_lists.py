"""The sections on lists and matches find what they look for: each broken rule, each lost part, on small data."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from schemas.gold.user_match_explanations import CONTRACT as EXPLANATIONS
from schemas.vocab import MOODS
from tests.evaluation.lakes import DAYS_BETWEEN, LISTENED_UNTIL, _played, closed_lakes
from tests.evaluation.mood_lists import LENGTHS, beaten_by_chance, by_share, lists_of_songs, random_lists, right
from tests.evaluation.splits import LONG, Split, found, split
from tests.evaluation.told_matches import BOUND, figures
from tests.evaluation.unheard_tracks import best_possible, limited
from tests.evaluation.unheard_tracks import listed as best_by_list
from tests.evaluation.varied_lists import Library, apart, broken_rules, cells, listed
from tests.rows import make_rows
from transformations.gold import user_matches
from transformations.ranking.counts import Sparse

# --- the limit of an artist


def tracks_of_artists() -> tuple[Split, Sparse]:
    """Listeners each of whom has twelve tracks of twenty of the same artist."""
    rng = np.random.default_rng(3)
    rows = [
        (user, f"artist {user % 4}\tsong {song}") for user in range(24) for song in rng.choice(20, 12, replace=False)
    ]
    rows += [(user, f"artist {other}\tsong {user % 20}") for user in range(24) for other in range(4, 30)]
    links = pd.DataFrame(rows, columns=["user_id", "item_id"]).assign(play_count=1)
    one = split(links, 0)
    names = pd.Series(one.counts.items).str.split("\t").str[0]
    return one, one.counts.labels(one.counts.items, names, np.ones(len(names)))


def test_moods_that_a_mean_hides_are_named() -> None:
    prevalence = np.array([0.3, 0.3, 0.2, 0.2])
    assert beaten_by_chance(prevalence, prevalence) == ""
    told = beaten_by_chance(np.array([0.2, 0.8, 0.3, 0.1]), prevalence)
    assert told == " Of happy and relaxed the lists have less than any labelled songs would."


def test_lists_of_the_limit_have_two_of_an_artist() -> None:
    one, artists = tracks_of_artists()
    for lists in (limited(one.counts, artists), best_by_list(one.counts, artists, of_an_artist=2)):
        of_artist = artists.indices[lists]
        assert max(np.bincount(own).max() for own in of_artist) == 2
        assert not np.take_along_axis(one.counts.matrix.toarray() > 0, lists, axis=1).any()
    free = artists.indices[best_by_list(one.counts, artists, of_an_artist=LONG)]
    assert max(np.bincount(own).max() for own in free) > 2


def test_nobody_finds_more_than_who_knows_what_is_held_out() -> None:
    one, artists = tracks_of_artists()
    by_rule, free = (best_possible(one, artists, limit) for limit in (2, LONG))
    assert by_rule < free <= one.reachable
    assert found(one, limited(one.counts, artists)).recall_10 <= by_rule


# --- lists by mood


def test_precision_counts_what_a_short_list_lacks_as_wrong() -> None:
    has_mood = np.arange(30) < 10
    assert right(pd.DataFrame([range(30)]), has_mood).tolist() == [1, 1, 0.5]
    assert right(pd.DataFrame([range(5), range(25, 30)]), has_mood).tolist() == [0.5, 0.25, 0.125]
    assert right(pd.DataFrame([[0, np.nan]]), has_mood)[0] == 1 / LENGTHS[0]


def test_recommendations_become_lists_of_songs() -> None:
    rows = pd.DataFrame(
        {"user_id": ["a", "a", "b"], "list": ["sad"] * 3, "rank": [2, 1, 1], "track_id": ["x", "y", "x"]}
    )
    lists = lists_of_songs(rows, {"x": 4, "y": 7})
    assert lists["sad"].loc["a"].tolist() == [7, 4]
    assert lists["sad"].loc["b", 1] == 4
    with pytest.raises(AssertionError, match="without a label"):
        lists_of_songs(rows, {"x": 4})


def test_a_list_by_share_starts_with_the_surest() -> None:
    shares = np.array([[0.1, 0.2, 0.6, 0.1], [0.1, 0.1, 0.7, 0.1], [0.7, 0.1, 0.1, 0.1]])
    assert by_share(shares)["sad"].to_numpy().tolist() == [[1, 0, 2]]
    drawn = random_lists(6, 0)
    assert set(drawn) == set(MOODS)
    assert sorted(drawn["sad"].iloc[0]) == list(range(6))


# --- varied lists


def library() -> Library:
    """Six tracks of three artists, two of one song; of the last the sound is unknown."""
    tracks = pd.DataFrame(
        {
            "artist_id": ["a", "a", "a", "b", "b", "c"],
            "song_key": ["1", "1", "2", "3", "4", "5"],
            "listeners": [1, 0, 2, 3, 0, 0],
        },
        index=[f"t{n}" for n in range(6)],
    )
    sound = pd.DataFrame([[0.0, 0.0], [0.0, 0.0], [0.0, 2.0], [3.0, 0.0], [0.0, 0.0]], index=tracks.index[:5])
    return Library(tracks, sound, 3)


def rows(*tracks: str, name: str = "for_you") -> pd.DataFrame:
    made = listed(np.array([tracks]), np.array(["ann"]))
    return made.assign(list=name, score=0.5)


HEARD = pd.DataFrame({"user_id": ["ann", "ben"], "track_id": ["t0", "t3"], "plays": [2, 1]})


def test_a_list_is_told_by_its_artists_sound_and_listeners() -> None:
    of = library()
    told = cells(rows("t2", "t3", "t5"), of)
    novelty = -(math.log2(3 / 4) + math.log2(4 / 4) + math.log2(1 / 4)) / 3
    assert told == ("1", "3.0", "1.0000", f"{math.sqrt(13 / 2):.2f}", f"{novelty:.2f}", ".3333", ".5000")
    assert apart(rows("t0", "t1"), of.sound) == 0


@pytest.mark.parametrize(
    ("given", "rule"),
    [
        (rows("t3", "t1"), "tracks heard before in for_you and from_matches"),  # another edition of t0
        (rows("t3", name="rediscover"), "tracks never heard in rediscover"),
        (rows("t0", "t1", "t2", name="sad"), "lists with more than 2 tracks of an artist"),
        (rows("t0", "t1", name="sad"), "songs twice in a list"),
        (rows("t3", "t4").assign(rank=[1, 3]), "lists whose ranks are not 1, 2, 3 and on"),
        (rows("t3", "t4").assign(rank=[1, 1]), "lists whose ranks are not 1, 2, 3 and on"),
        (rows("t3").assign(score=math.nan), "scores that are not finite in 0-1"),
        (rows("t3").assign(score=1.1), "scores that are not finite in 0-1"),
    ],
)
def test_every_broken_rule_is_found(given: pd.DataFrame, rule: str) -> None:
    assert broken_rules(given, HEARD, library().tracks)[rule] == 1


def test_lists_that_keep_the_rules_break_none() -> None:
    fine = pd.concat([rows("t3", "t4", "t2"), rows("t1", name="rediscover"), rows("t0", "t3", name="sad")])
    assert not any(broken_rules(fine, HEARD, library().tracks).values())


def test_plays_are_laid_over_the_year_before(shared_data: Any) -> None:
    lines = [line.split("\t") for line in _played(shared_data)]
    assert all(len(line) == 6 for line in lines)
    moments = pd.to_datetime(pd.Series([line[1] for line in lines]))
    assert moments.max() < pd.Timestamp(LISTENED_UNTIL)
    again = pd.Series(moments.to_numpy()).groupby([line[0] + line[3] + line[5] for line in lines]).diff().dropna()
    assert (again == pd.Timedelta(days=DAYS_BETWEEN)).mean() > 0.99  # a title may hold what parts the columns


def test_spark_that_was_there_outlives_the_lakes(spark: SparkSession) -> None:
    with closed_lakes():
        assert spark.range(1).count() == 1
    assert spark.range(1).count() == 1


# --- why matched


def pair(one: str, other: str, **parts: Any) -> dict[str, Any]:
    """Two who share an artist and a sound: .4 by artists, .1 by sound."""
    told = {"artists": 0.4, "neighbours": 0.0, "genres": 0.0, "sound": 0.1, "moods": 0.0, "score": 0.5} | parts
    sign = 1.0 if one < other else -1.0
    numbers = {"listen_count": 3, "match_listen_count": 2, "rank": 1, "match_rank": 1}
    of_sound = {"raw": 0.5, "match_raw": 0.4, "normalised": 0.1, "match_normalised": 0.0}
    return {
        "user_id": one,
        "match_user_id": other,
        "summary": {
            "rank": 1,
            "score": told.pop("score"),
            "parts": {name: told.pop(name) for name in ("artists", "neighbours", "genres", "sound", "moods")},
            "shared_artists_count": 2,
            "artist_affinity": 0.4,
            "genre_overlap": 0.0,
            "audio_affinity": 0.1,
            "mood_affinity": None,
            "basis": "plays",
        },
        "shared_artists": [{"artist_id": "x", "artist_name": "X", "part": 0.3, **numbers}],
        "other_artists_part": told.get("other_artists_part", 0.1),
        "shared_genres": [],
        "audio_breakdown": [
            {"feature": "energy", "delta": told.get("delta", 0.1 * sign), "part": told.get("feature", 0.1), **of_sound}
        ],
        "tempo": None,
        "suggestions_new_artists": [],
        "icebreaker_tracks": [],
        "recent_activity": None,
    }


def explanations(spark: SparkSession, **other_way: Any) -> DataFrame:
    return make_rows(spark, EXPLANATIONS, pair("ann", "ben"), pair("ben", "ann", **other_way))


def test_a_whole_explanation_is_complete(spark: SparkSession) -> None:
    rows = explanations(spark)
    told = figures(rows, user_matches.build(user_match_explanations=rows))
    assert all(told[name] <= bound for name, (_, bound) in BOUND.items())
    assert told["completeness"] == pytest.approx(1)
    assert told["one_by_one"] == pytest.approx(0.8)
    assert (told["pairs"], told["with_reverse"], told["with_artists"], told["with_genres"]) == (2, 1, 1, 0)


@pytest.mark.parametrize(
    ("other_way", "lost"),
    [
        ({"score": 0.6}, {"score_apart", "both_ways_apart"}),
        ({"moods": 0.1, "neighbours": -0.1}, {"both_ways_apart"}),
        ({"other_artists_part": 0.2}, {"artists_apart"}),
        ({"feature": 0.2}, {"sound_apart"}),
        ({"delta": 0.1}, {"deltas_apart"}),
    ],
)
def test_what_does_not_add_up_is_found(spark: SparkSession, other_way: dict[str, Any], lost: set[str]) -> None:
    rows = explanations(spark, **other_way)
    told = figures(rows, user_matches.build(user_match_explanations=rows))
    assert {name for name, (_, bound) in BOUND.items() if told[name] > bound} == lost


def test_a_match_that_says_otherwise_is_found(spark: SparkSession) -> None:
    rows = explanations(spark)
    others = user_matches.build(user_match_explanations=explanations(spark, score=0.7))
    assert figures(rows, others)["rows_apart"] == 2
