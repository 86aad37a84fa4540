"""Names fold to one key where they name one recording, and stay apart where they do not."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from transformations.names import (
    artist_key,
    artist_parts,
    exact_key,
    folded,
    letters,
    party_keys,
    repaired,
    song_title_key,
    title_key,
    title_numbers,
    title_parts,
    without_artist,
)

NFD_O = "o\u0308"  # ö as a letter and a combining mark: how macOS writes file names


def keys(spark: SparkSession, key: Callable[[Column], Column], *names: str | None) -> list[str | None]:
    rows = spark.createDataFrame([(n, name) for n, name in enumerate(names)], "n int, name string")
    return [row[0] for row in rows.orderBy("n").select(key(rows["name"])).collect()]


def part(name: str) -> Callable[[Column], Column]:
    return lambda title: title_parts(title)[name]


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
        "Hurt (2009 - Remaster)",
        "Hurt - Remasterizado 2007",
        'Hurt - From "The Film" Soundtrack',
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


def test_misread_letters_are_repaired_and_true_ones_stay(spark: SparkSession) -> None:
    misread = "Björk".encode().decode("latin-1")
    twice = misread.encode().decode("latin-1")
    whole = ("Björk", "Ã", "São Paulo", "Â¿Qué?", "宇多田ヒカル", "Кино", "plain", None)
    assert keys(spark, repaired, misread, twice) == ["Björk", "Björk"]
    assert keys(spark, repaired, *whole) == ["Björk", "Ã", "São Paulo", "Â¿Qué?", "宇多田ヒカル", "Кино", "plain", None]
    assert len(set(keys(spark, artist_key, misread, twice, "Bjork"))) == 1


def test_a_title_is_taken_apart_into_base_and_version(spark: SparkSession) -> None:
    told = {
        "Hurt": ("hurt", "", None),
        "Hurt (Live at Wembley)": ("hurt", "live at wembley", "live"),
        "Hurt - Live": ("hurt", "live", "live"),
        "Hurt - Live Version": ("hurt", "live", "live"),
        "Hurt (Live!!!)": ("hurt", "live", "live"),
        "Hurt - Live - 2011 Remaster": ("hurt", "live", "live"),
        "Hurt - 1998 Edit": ("hurt", "1998 edit", "edit"),
        "Hurt (Vocal Remix feat. Somebody)": ("hurt", "vocal remix", "remix"),
        'Hurt - From "The Film" / Live': ("hurt", "live", "live"),
        "Hurt (Parts I-V)": ("hurt 1 5", "", None),
        "Hurt '88": ("hurt", "88", "other"),
        "Hurt V3.0 (Live)": ("hurt", "live v3 0", "live"),
        "Summer Of '69": ("summer of 69", "", None),
        "A Hurt - 2013 Edition": ("hurt", "", None),
        "Hurt - Live at the Theatre, LA - December 2007": ("hurt", "december 2007 live at the theatre la", "live"),
        "Hurt (Tiësto Remix)": ("hurt", "tiesto remix", "remix"),
        "Hurt - Radio Edit": ("hurt", "radio edit", "edit"),
        "Hurt (Acoustic Version)": ("hurt", "acoustic", "acoustic"),
        "Hurt [Instrumental]": ("hurt", "instrumental", "instrumental"),
        "Hurt (Karaoke Version)": ("hurt", "karaoke", "karaoke"),
        "Hurt (Originally Performed by Johnny Cash)": ("hurt", "originally performed by johnny cash", "cover"),
        "Hurt (Demo)": ("hurt", "demo", "demo"),
        "Hurt (Acappella)": ("hurt", "acappella", "acappella"),
        "Hurt - Sped Up": ("hurt", "sped up", "altered"),
        "Hurt (Album Version)": ("hurt", "", None),
        "Hurt (LP Version)": ("hurt", "", None),
        "Hurt - Original Mix": ("hurt", "", None),
        "Hurt (2009 Digital Remaster)": ("hurt", "", None),
        "Hurt (Explicit Album Version)": ("hurt", "", None),
    }
    for name, place in (("base", 0), ("version_words", 1), ("version", 2)):
        assert keys(spark, part(name), *told) == [values[place] for values in told.values()], name


def test_words_of_versions_in_plain_titles_and_subtitles_are_no_versions(spark: SparkSession) -> None:
    titles = (
        "Live Forever",
        "Live and Let Die",
        "Remix to Ignition",
        "(The Way I Live)",
        "Alive (Believe)",
        "Cover Me",
    )
    assert keys(spark, part("version"), *titles) == [None] * len(titles)
    assert keys(spark, title_key, "(Live)", "Demo", None) == ["(live) live", "demo", None]


def test_only_a_subtitle_is_not_of_the_core(spark: SparkSession) -> None:
    titles = (
        "Heroes (We Could Be)",
        "Lady - Hear Me Tonight",
        "Mambo No. 5 (A Little Bit of...)",
        "Go - The Song",
        "Hurt",
    )
    assert keys(spark, part("core"), *titles) == ["heroes", "lady", "mambo 5", "go", "hurt"]


def test_the_artists_name_before_a_title_is_no_part_of_it(spark: SparkSession) -> None:
    titles = (
        "Metallica - Fade To Black",
        "METALLICA / One",
        "Metallica - Live",
        "Metallica - 2016 Remaster",
        "Metallica",
    )
    rows = keys(spark, lambda title: without_artist(title, F.lit("Metallica")), *titles)
    assert rows == ["Fade To Black", "One", *titles[2:]]


def test_parts_and_opus_numbers_are_written_alike_and_told_apart(spark: SparkSession) -> None:
    alike = ("Shine On, Pt. 2", "Shine On (Part II)", "Shine On - Part Two", "Shine On Part 2")
    assert set(keys(spark, title_key, *alike)) == {"shine on 2"}
    apart = ("Shine On, Pt. 1", "Shine On, Pt. 2", "Shine On, Pts. 1-5", "Shine On Vol. 2", "Shine On", "Shine On VI")
    assert len(set(keys(spark, title_key, *apart))) == len(apart)
    works = ("Nocturne, Op. 9 No. 2", "Nocturne, Opus 9 Nr. 1", "Nocturne")
    assert keys(spark, lambda title: title_numbers(title_key(title)), *works) == ["2 9", "1 9", ""]
    assert keys(spark, title_key, "I", "One", "Part of Me", "XX") == ["i", "one", "part of me", "xx"]


def test_letters_without_blanks(spark: SparkSession) -> None:
    assert set(keys(spark, lambda name: letters(artist_key(name)), "AC/DC", "ACDC", "The AC DC")) == {"acdc"}


def test_a_credit_of_several_artists_names_each(spark: SparkSession) -> None:
    credit = {
        "Kid Cudi / MGMT / Ratatat": ["kid cudi", "mgmt", "ratatat"],
        "Diana Ross & The Supremes": ["diana ross", "supremes"],
        "Eric Prydz vs. Floyd": ["eric prydz", "floyd"],
        "Hank Williams, Jr.": [],
        "Usher feat. will.i.am": ["usher", "will i am"],
        "Belle And Sebastian": ["belle", "sebastian"],
        "Johnny Cash": [],
    }
    assert keys(spark, lambda name: artist_parts(name)["credited"], *credit) == list(credit.values())


def test_a_name_within_a_name_is_nobody(spark: SparkSession) -> None:
    credit = {
        "Diana Ross & The Supremes": ["diana ross"],
        "Nick Cave and the Bad Seeds / Kylie Minogue": ["nick cave", "kylie minogue"],
        "Kid Cudi & MGMT": ["kid cudi", "mgmt"],
        "Young Dro featuring T.I.": ["young dro", "t i"],
        "George Jones and Gene Pitney": ["george jones", "gene pitney"],
        "Dim Chris_ Thomas Gold": ["dim chris", "thomas gold"],
        "Harry Connick_ Jr.": [],
        "Belle And Sebastian": [],
        "Faith And The Muse": [],
        "The Head & The Heart": [],
        "Johnny Cash": [],
    }
    assert keys(spark, party_keys, *credit) == list(credit.values())
    assert keys(spark, lambda name: artist_parts(name)["parties"], *credit) == list(credit.values())


def test_other_artists_stay_apart(spark: SparkSession) -> None:
    artists = (
        "Led Zeppelin",
        "Lez Zeppelin",
        "Led Zeppelin Jam",
        "Hank Williams",
        "Hank Williams, Jr.",
        "Hank Williams III",
    )
    assert len(set(keys(spark, artist_key, *artists))) == len(artists)
    imitators = ("Charttraxx Karaoke", "The Abba Tribute Band", "Lullaby Versions of Kings of Leon", "Johnny Cash")
    assert keys(spark, lambda name: artist_parts(name)["imitates"], *imitators) == [True, True, True, False]


def test_medleys_and_covers_are_versions_of_their_own(spark: SparkSession) -> None:
    titles = ("Kiss (Medley)", "Kiss (Cover)", "Kiss / Tell", "Kiss")
    assert len(set(keys(spark, title_key, *titles))) == len(titles)
