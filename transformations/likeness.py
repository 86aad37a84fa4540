"""How alike two normalised names are, as column functions: what is accepted as one title in two spellings.

The trap: a ratio alone takes "He Loves You" for "She Loves You", so every word must have its twin in the other title.
"""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from transformations.names import letters, title_numbers

LEAST_RATIO = 0.90
BORDERLINE_RATIO = 0.80  # from here to LEAST_RATIO a person decides
# How far words of one first letter may be apart to be twins, by the letters of the shorter: short words, and first
# letters, differ by meaning ("light", "night").
TWIN_DISTANCES = ((8, 2), (5, 1))
LEAST_CORE_LETTERS = 3
FIRST_PART = r" 1( \d+)?$"  # or the first few
# Titles that many songs have: a subtitle is all that tells these apart.
COMMON_CORES = (
    "intro",
    "outro",
    "interlude",
    "skit",
    "prelude",
    "theme",
    "untitled",
    "overture",
    "main title",
    "finale",
)


def ratio(a: Column, b: Column) -> Column:
    """2 * common letters / all letters, of the cheapest way of edits: 1 for equal, 0 for nothing in common.

    Levenshtein counts a changed letter once and this ratio twice; where names differ in length, so many letters are
    added for certain and count once.
    """
    longer = F.abs(F.length(a) - F.length(b))
    return 1 - (2 * F.levenshtein(a, b) - longer) / F.greatest(F.length(a) + F.length(b), F.lit(1))


def may_reach(a: Column, b: Column, least: float) -> Column:
    """Whether lengths alone leave the ratio a chance: cheap, before letters are compared."""
    return F.abs(F.length(a) - F.length(b)) <= (1 - least) * (F.length(a) + F.length(b))


def are_words_twinned(a: Column, b: Column) -> Column:
    """Whether every word of either title has a like word in the other."""
    words, others = F.split(a, " "), F.split(b, " ")
    return _all_have_twins(words, others) & _all_have_twins(others, words)


def compared_by(base: Column, core: Column) -> Column:
    """What a title is compared by, made once a title and not once a pair: struct base and core (the words of the title
    and those before its subtitle, normalised), letters, numbers, first (the base without what says part one)."""
    return F.struct(
        base.alias("base"),
        core.alias("core"),
        letters(base).alias("letters"),
        title_numbers(base).alias("numbers"),
        F.regexp_replace(base, FIRST_PART, "").alias("first"),
    )


def is_one_with_subtitle(one: Column, other: Column) -> Column:
    """Whether one title is the other's core: only a subtitle differs, and it is not all that tells songs apart."""
    is_core = ((one["core"] == other["base"]) & (one["core"] != one["base"])) | (
        (other["core"] == one["base"]) & (other["core"] != other["base"])
    )
    shorter = F.least(one["core"], other["core"])
    is_telling = (F.length(letters(one["core"])) >= LEAST_CORE_LETTERS) & ~shorter.isin(*COMMON_CORES)
    return is_core & is_telling & have_same_numbers(one, other)


def are_of_one_core(one: Column, other: Column) -> Column:
    """Whether two titles differ in their subtitles alone: maybe one work, never by this one recording."""
    core = one["core"]
    return (core == other["core"]) & (F.length(letters(core)) >= LEAST_CORE_LETTERS) & ~core.isin(*COMMON_CORES)


def is_first_part(one: Column, other: Column) -> Column:
    """Whether one title is the other's first part ("White Wedding", "White Wedding - Pt. 1"): the same work."""
    return (one["base"] != other["base"]) & ((one["first"] == other["base"]) | (other["first"] == one["base"]))


def is_spelling(one: Column, other: Column, likeness: Column) -> Column:
    """Whether two titles are spellings of one: a high ratio (`likeness`, of their letters), every word twinned, and
    the same numbers."""
    return (likeness >= LEAST_RATIO) & have_same_numbers(one, other) & are_words_twinned(one["base"], other["base"])


def have_same_numbers(one: Column, other: Column) -> Column:
    return one["numbers"] == other["numbers"]


def _all_have_twins(words: Column, others: Column) -> Column:
    return F.forall(words, lambda word: F.exists(others, lambda other: _are_twins(word, other)))


def _are_twins(word: Column, other: Column) -> Column:
    shorter = F.least(F.length(word), F.length(other))
    allowed = F.lit(0)
    for least, distance in reversed(TWIN_DISTANCES):
        allowed = F.when(shorter >= least, distance).otherwise(allowed)
    return (word == other) | (
        (F.left(word, F.lit(1)) == F.left(other, F.lit(1))) & (F.levenshtein(word, other) <= allowed)
    )
