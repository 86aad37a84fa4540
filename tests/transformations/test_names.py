"""Names fold to one key where they name one recording, and stay apart where they do not."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, SparkSession

from transformations.names import artist_key, exact_key, folded, song_title_key, title_key

NFD_O = "o\u0308"  # ö as a letter and a combining mark: how macOS writes file names


def keys(spark: SparkSession, key: Callable[[Column], Column], *names: str | None) -> list[str | None]:
    rows = spark.createDataFrame([(n, name) for n, name in enumerate(names)], "n int, name string")
    return [row[0] for row in rows.orderBy("n").select(key(rows["name"])).collect()]


def test_folding_drops_case_accents_and_typography(spark: SparkSession) -> None:
    names = (
        "BEYONCÉ",
        "Sigur  Rós ",
        "Mötley Crüe",
        "Straße",
        "Ænima",
        "Bjørk",
        "Łona",
        "Ｐｅｒｆｕｍｅ",
        "Don’t – Stop",
    )
    assert keys(spark, folded, *names) == [
        "beyonce",
        "sigur ros",
        "motley crue",
        "strasse",
        "aenima",
        "bjork",
        "lona",
        "perfume",
        "don't - stop",
    ]


def test_exact_keys_differ_in_more_than_case_and_outer_blanks(spark: SparkSession) -> None:
    assert keys(spark, exact_key, " Hurt ", "HURT", "Húrt", None) == ["hurt", "hurt", "húrt", None]


def test_notes_that_never_change_the_recording_are_dropped_from_titles(spark: SparkSession) -> None:
    titles = (
        "Hurt",
        "Hurt (feat. Someone)",
        "Hurt [ft. Someone & Other]",
        "Hurt (with Someone)",
        "Hurt feat. Someone",
        "Hurt - Remastered",
        "Hurt - 2011 Remaster",
        "Hurt (Remastered 2009)",
        "Hurt - Digitally Remastered Version",
        "Hurt - 2015 Remastered Version",
        "H.u.r.t!".replace(".", ""),
    )
    assert set(keys(spark, title_key, *titles)) == {"hurt"}


def test_other_versions_stay_apart(spark: SparkSession) -> None:
    titles = ("Hurt", "Hurt - Live", "Hurt (Live)", "Hurt - Remix", "Hurt (Acoustic)", "Hurt - Live - 2011 Remaster")
    assert keys(spark, title_key, *titles) == [
        "hurt",
        "hurt live",
        "hurt live",
        "hurt remix",
        "hurt acoustic",
        "hurt live",
    ]


def test_a_version_named_after_the_guest_stays_apart(spark: SparkSession) -> None:
    titles = ("Hurt feat. Someone - Live", "Hurt ft. Someone (Remix)", "Hurt")
    assert len(set(keys(spark, title_key, *titles))) == 3


def test_artists_lose_a_leading_the_and_guests(spark: SparkSession) -> None:
    artists = ("The Beatles", "Beatles", "the beatles feat. Someone", "Simon & Garfunkel", "Simon and Garfunkel")
    assert keys(spark, artist_key, *artists) == [
        "beatles",
        "beatles",
        "beatles",
        "simon and garfunkel",
        "simon and garfunkel",
    ]
    assert keys(spark, artist_key, "The The", "The", "Theory of a Deadman") == ["the", "the", "theory of a deadman"]


def test_names_of_signs_alone_and_in_other_scripts_are_kept(spark: SparkSession) -> None:
    assert keys(spark, title_key, "???", "+", "宇多田ヒカル", "Кино", None) == [
        "???",
        "+",
        "宇多田ヒカル",
        "кино",
        None,
    ]
    assert keys(spark, artist_key, "!!!", "R.E.M.", "AC/DC") == ["!!!", "r e m", "ac dc"]


def test_accents_written_as_combining_marks_are_the_same_accents(spark: SparkSession) -> None:
    assert keys(spark, artist_key, f"R{NFD_O}yksopp", "İstanbul") == ["royksopp", "istanbul"]


def test_vowel_signs_of_other_scripts_tell_words_apart(spark: SparkSession) -> None:
    assert len(set(keys(spark, title_key, "की", "के", "कु"))) == 3


def test_notes_of_editions_are_dropped_where_plays_are_compared_and_versions_stay(spark: SparkSession) -> None:
    same = (
        "Hurt",
        "Hurt - Remastered 2011",
        "Hurt (2009 Remaster)",
        "Hurt (Deluxe Edition) [Remastered]",
        "Hurt - 2015 Stereo Mix",
        "Hurt (Album Version)",
        "Hurt - Radio Edit",
        "Hurt (feat. Guest) - Single Version",
        "Hurt - 10th Anniversary Edition",
    )
    assert set(keys(spark, song_title_key, *same)) == {"hurt"}
    others = ("Hurt (Live)", "Hurt - Acoustic", "Hurt - Club Mix", "Hurt Pt. 2", "Hurt (1999)", "Single", "(Original)")
    assert keys(spark, song_title_key, *others) == [
        "hurt live",
        "hurt acoustic",
        "hurt club mix",
        "hurt pt 2",
        "hurt 1999",
        "single",
        "(original)",
    ]
    assert keys(spark, song_title_key, "a" + " - mono" * 60 + " x", None) == ["a" + " mono" * 60 + " x", None]
