"""What is accepted as one title in two spellings, and what never is."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from transformations.likeness import compared_by, is_first_part, is_one_with_subtitle, is_spelling, may_reach, ratio
from transformations.names import title_parts


def told(
    spark: SparkSession, value: Callable[[Column, Column], Column], pairs: tuple[tuple[str, str], ...]
) -> list[object]:
    rows = spark.createDataFrame([(n, *pair) for n, pair in enumerate(pairs)], "n int, a string, b string")
    return [row[0] for row in rows.orderBy("n").select(value(F.col("a"), F.col("b"))).collect()]


def of_titles(judge: Callable[[Column, Column], Column]) -> Callable[[Column, Column], Column]:
    """Of normalised titles without a subtitle."""
    return lambda a, b: judge(compared_by(a, a), compared_by(b, b))


def are_spellings(one: Column, other: Column) -> Column:
    return is_spelling(one, other, ratio(one["letters"], other["letters"]))


def test_the_ratio_counts_common_letters(spark: SparkSession) -> None:
    pairs = (("", ""), ("same", "same"), ("abcd", "abcx"), ("abcd", "abcde"), ("abc", "xyz"), ("cemetary", "cemetery"))
    assert told(spark, ratio, pairs) == pytest.approx([1, 1, 0.75, 8 / 9, 0, 0.875])


def test_lengths_rule_out_what_cannot_reach_the_ratio(spark: SparkSession) -> None:
    pairs = (("abcd", "abcde"), ("abc", "abcdefgh"))
    assert told(spark, lambda a, b: may_reach(a, b, 0.8), pairs) == [True, False]


def test_spellings_have_their_words_twinned_and_their_numbers_equal(spark: SparkSession) -> None:
    accepted = (
        ("cemetary gates", "cemetery gates"),
        ("i was made for loving you", "i was made for lovin you"),
        ("bitter sweet symphonie", "bitter sweet symphony"),
    )
    refused = (
        ("she loves you so much", "he loves you so much"),  # a short word means something else
        ("night moon river song", "light moon river song"),  # so does a first letter
        ("waltz number part 2 of many", "waltz number part 3 of many"),
        ("love will tear us apart", "love will tear us"),  # a word too many
        ("one two three four five", "six two three four five"),
    )
    assert told(spark, of_titles(are_spellings), accepted) == [True] * len(accepted)
    assert told(spark, of_titles(are_spellings), refused) == [False] * len(refused)


def test_only_one_title_has_the_subtitle(spark: SparkSession) -> None:
    def judged(a: Column, b: Column) -> Column:
        one, other = title_parts(a), title_parts(b)
        return is_one_with_subtitle(compared_by(one["base"], one["core"]), compared_by(other["base"], other["core"]))

    pairs = (
        ("Heroes", "Heroes (We Could Be)"),
        ("Lady - Hear Me Tonight", "Lady"),
        ("Heroes (One)", "Heroes (Other)"),
        ("Intro", "Intro (Something)"),
        ("Go", "Go (Something)"),
        ("Mambo", "Mambo (No. 5)"),
        ("Heroes", "Heroes"),
    )
    assert told(spark, judged, pairs) == [True, True, False, False, False, False, False]


def test_a_first_part_is_the_work_and_other_parts_are_not(spark: SparkSession) -> None:
    pairs = (("white wedding", "white wedding 1"), ("shine on 1 5", "shine on"), ("shine on 2", "shine on"), ("a", "a"))
    assert told(spark, of_titles(is_first_part), pairs) == [True, True, False, False]
