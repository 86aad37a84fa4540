"""Normalised artist names and titles as column functions, for matching the same song under two spellings.

The trap: versions (live, remix, acoustic) are other recordings and must stay apart; only what never changes the
recording is dropped: case, accents, punctuation, featured guests, remaster notes, a leading "the".
"""

from __future__ import annotations

import unicodedata

from pyspark.sql import Column
from pyspark.sql import functions as F

# Latin, Latin Extended and full-width letters whose compatibility decomposition is one ASCII letter and accents.
ACCENT_BLOCKS = ((0x00C0, 0x0250), (0x1E00, 0x1F00), (0xFF01, 0xFF5F))
LIGATURES = {"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "đ": "d", "ł": "l", "ı": "i", "þ": "th", "ð": "d"}

LATIN_ACCENTS = "[\u0300-\u036f]"  # written apart from their letter; marks of other scripts are letters there

GUESTS_IN_BRACKETS = r"\s*[(\[](feat\.?|ft\.?|featuring|with)\s[^)\]]*[)\]]"
GUESTS_AT_END = r"\s(feat\.?|ft\.?|featuring)\s.*?(?=\s[-(\[]|$)"  # a version note after them stays
REMASTER_NOTE = (
    r"\s*[-(\[]\s*(\d{4}\s+)?(digital(ly)?\s+)?re-?master(ed)?(\s+version)?(\s+\d{4})?(\s+version)?\s*[)\]]?\s*$"
)
# Editions are further notes that a service may add to a title, or leave out, for what sounds alike.
EDITION_WORD = (
    r"(digital(ly)?|re-?master(ed)?|deluxe|expanded|special|limited|bonus|anniversary|single|album|original|standard|"
    r"explicit|clean|radio|mono|stereo|edition|version|edit|track|mix)"
)
YEAR = r"(\d{4}|\d{1,3}(st|nd|rd|th))"
EDITION_NOTES = rf"(\s?[-(\[]\s?({YEAR}\s)?{EDITION_WORD}([\s/,.]{{1,3}}({EDITION_WORD}|{YEAR}))*(\s?[)\]])?)+$"


def _accent_pairs() -> tuple[str, str]:
    accented, plain = [], []
    for first, end in ACCENT_BLOCKS:
        for code in range(first, end):
            letter = chr(code)
            base = unicodedata.normalize("NFKD", letter)[0].lower()
            if base.isascii() and base.isprintable() and base != letter:
                accented.append(letter)
                plain.append(base)
    return "".join(accented), "".join(plain)


ACCENTED, PLAIN = _accent_pairs()


def folded(text: Column) -> Column:
    """Lower case without accents or typographic dashes and quotes, blanks squeezed."""
    out = F.translate(F.lower(text), ACCENTED + "\u2010\u2011\u2012\u2013\u2014\u2018\u2019", PLAIN + "-----''")
    out = F.regexp_replace(out, LATIN_ACCENTS, "")
    for ligature, letters in LIGATURES.items():
        out = F.replace(out, F.lit(ligature), F.lit(letters))
    return F.trim(F.regexp_replace(out, r"\s+", " "))


def exact_key(text: Column) -> Column:
    """What counts as written the same: lower case, outer blanks dropped."""
    return F.lower(F.trim(text))


def title_key(title: Column) -> Column:
    """The normalised title; the folded text itself where nothing else is left (a title such as "???")."""
    out = folded(title)
    for note in (GUESTS_IN_BRACKETS, GUESTS_AT_END, REMASTER_NOTE):
        out = F.regexp_replace(out, note, "")
    return _words(out, folded(title))


def song_title_key(title: Column) -> Column:
    """The normalised title without notes of editions: for telling one play from two, not one recording from another."""
    out = folded(title)
    for note in (GUESTS_IN_BRACKETS, GUESTS_AT_END, EDITION_NOTES):
        out = F.regexp_replace(out, note, "")
    return _words(out, folded(title))


def artist_key(artist: Column) -> Column:
    """The normalised artist name: as a title, and without a leading "the"."""
    out = F.regexp_replace(folded(artist), GUESTS_IN_BRACKETS, "")
    out = F.regexp_replace(out, GUESTS_AT_END, "")
    return F.regexp_replace(_words(out, folded(artist)), r"^the (?=.)", "")


def _words(text: Column, otherwise: Column) -> Column:
    words = F.regexp_replace(F.replace(text, F.lit("&"), F.lit(" and ")), r"'", "")
    words = F.trim(F.regexp_replace(words, r"[^\p{L}\p{M}\p{N}]+", " "))
    return F.when(words == "", otherwise).otherwise(words)
