"""Artist names and titles as column functions: what two spellings of one recording have in common, and what keeps two
recordings of one work apart.

A title is a base, notes of its version (live, remix, demo ...) and notes of its edition (remaster, album version). The
edition and featured guests never change the recording and are dropped; the version does and is kept apart from the
base; numbers (Pt. 2, opus 27) belong to the base and are written alike. The trap: words of versions also stand in plain
titles ("Live Forever", "The Way I Live"), so only a note in brackets or after a dash is read as one.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping

from pyspark.sql import Column
from pyspark.sql import functions as F

# Latin, Latin Extended and full-width letters whose compatibility decomposition is one ASCII letter and accents.
ACCENT_BLOCKS = ((0x00C0, 0x0250), (0x1E00, 0x1F00), (0xFF01, 0xFF5F))
BARRED, BARE = "øđłıð", "odlid"
LIGATURES = {"ß": "ss", "æ": "ae", "œ": "oe", "þ": "th"}

LATIN_ACCENTS = "[\u0300-\u036f]"  # written apart from their letter; marks of other scripts are letters there

# UTF-8 read as Latin-1, as some exports do once or twice: a letter of two bytes looks like two letters.
MISREAD = "[\u00c2-\u00c5][\u0080-\u00bf]"
LATIN_1 = "^[\u0000-\u00ff]*$"
MOST_MISREADINGS = 2

GUESTS_IN_BRACKETS = r"\s*[(\[](feat\.?|ft\.?|featuring|with)\s[^)\]]*[)\]]"
GUESTS_AT_END = r"\s(feat\.?|ft\.?|featuring)\s.*?(?=\s[-(\[]|$)"  # a version note after them stays
GUESTS_AFTER_A_NOTE = r"\s(feat\.?|ft\.?|featuring)\s[^()\[\]]*(?=[)\]])"  # "(Remix feat. Somebody)"
GUESTS = (GUESTS_IN_BRACKETS, GUESTS_AFTER_A_NOTE, GUESTS_AT_END)

YEAR = r"(\d{4}|\d{1,3}(st|nd|rd|th))"
REMASTER = r"re-?master(ed|ing|i[sz]\w+)?"  # remasterizado, remastérisé
# Editions are notes that a service may add to a title, or leave out, for the same recording.
EDITION_WORD = (
    rf"(digital(ly)?|{REMASTER}|deluxe|expanded|special|limited|bonus|anniversary|single|album|lp|original|"
    r"standard|explicit|clean|mono|stereo|edition|version|track|mix|recording)"
)
# The words that make a note one of an edition; the others only stand beside them.
EDITION_LEAD = (
    rf"(digital(ly)?|{REMASTER}|deluxe|expanded|bonus|anniversary|single|album|lp|original|explicit|clean|"
    r"mono|stereo)"
)
EDITION = rf"(({YEAR}[\s-]{{1,3}})?{EDITION_LEAD}([\s/,.-]{{1,3}}({EDITION_WORD}|{YEAR}))*|{YEAR}\sedition)"
EDITION_IN_BRACKETS = rf"\s?[(\[]\s?{EDITION}\s?[)\]]"
EDITION_AT_END = rf"(\s-\s{EDITION})+$"
# Of which film a recording is says nothing of the recording.
SOUNDTRACK = (
    r"((love )?theme )?from (the )?"
    r"([\"“'][^()/]*|[^()/]*\b(soundtrack|motion picture|film|movie|musical)\b[^()/]*)"
)
SOUNDTRACK_NOTE = rf"\s?[(\[]\s?{SOUNDTRACK}[)\]]|\s-\s{SOUNDTRACK}$|(?<=\s-\s){SOUNDTRACK}/\s"
# For telling one play from two a radio edit is an edition too.
PLAY_EDITION_WORD = EDITION_WORD.replace("(digital", "(radio|edit|digital", 1)
PLAY_EDITIONS = (
    rf"(\s?[-(\[]\s?({YEAR}\s)?{PLAY_EDITION_WORD}([\s/,.]{{1,3}}({PLAY_EDITION_WORD}|{YEAR}))*(\s?[)\]])?)+$"
)

# What a note says of its recording, the first that applies. A karaoke track is no recording of the artist who is
# named, so it is never taken for another version of the work; a cover by the artist who is named is one.
VERSION_WORDS = {
    "karaoke": r"karaoke|backing track|sing-?along",
    "cover": r"cover(ed)?( version)?|tribute|made famous by|originally performed by|in the style of",
    "instrumental": r"instrumental",
    "acappella": r"a ?cappella",
    "remix": r"remix(ed)?|rmx|mix(ed)?|rework(ed)?|bootleg|mash-?up|vip|v\.i\.p\.?|dub|re-?edit|refix|extended|club",
    "acoustic": r"acoustic|unplugged|stripped",
    "demo": r"demos?|outtake|rough|alternat(e|ive)|take \d+|rehearsal",
    "live": r"in concert|en vivo|ao vivo|en directo",
    "altered": r"sped up|slowed|nightcore|8d",
    "edit": r"edit|radio|video|short",
    "other": r"version|re-?recorded|orchestral|symphonic|sessions?|reprise|intro|outro|coda|medley|long",
}
FOREIGN_VERSIONS = ("karaoke",)
# "live" is a note of its own only where it begins the note, or ends it: "(The Way I Live)" is a subtitle like others.
LIVE = (
    r"^(recorded )?live($|[^a-z']+$|[\s,/:_-]+(at|from|in|on|version|sessions?|acoustic|bbc|\d))"
    r"|(acoustic|unplugged|concert|\d{4})[\s,]+live$"
)
# A version may be told by a number at the title's end ("Blue Monday '88", "Headhunter V3.0"); of a season ("Summer Of
# '69") the title tells.
NUMBERED_VERSION = r"'\d\d|v\.?\s?\d(\.\d)?|\d\.0"
ENDS_NUMBERED = rf"(?<! (of|in|the|to|from|and))(?<=[^\s(-])\s({NUMBERED_VERSION})(?=$|\s[(-])"
VERSION_NOTE = rf"{LIVE}|^({NUMBERED_VERSION})$|\b({'|'.join(VERSION_WORDS.values())})\b"

IN_BRACKETS = r"\(([^()]*)\)"
DASH = " - "
# Words that say what a note is, not of which recording: "Live Version" is "Live".
EMPTY_WORDS_OF_VERSIONS = r"(?<=\w )version\b|\bversion (?=\w)"

NUMERALS = {
    "i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8", "ix": "9", "x": "10",
    "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
}  # fmt: skip
NUMBER = rf"^(\d+|{'|'.join(NUMERALS)})$"
COUNTED = {"pt": "part", "pts": "part", "parts": "part", "volume": "vol", "opus": "op", "nr": "no", "number": "no"}
# What may stand before a numeral: there even "i" and "one" are numbers.
BEFORE_NUMERALS = ("part", "vol", "chapter", "act", "no", "op", "book")
AT_THE_END = ("ii", "iii", "iv", "vi", "vii", "viii", "ix")  # as a title's last word these are numbers too

# Between artists of one credit; some exports write "_" for a comma. "And" stands within names as well, so it parts
# only what may be two people's names, each of two words, or what a title must agree with (LOOSE_CREDIT).
CREDIT = (
    r"\s*[/;]\s*|\s(?:&|\+|vs\.?|with|x|and(?= the\s)|feat\.?|ft\.?|featuring)\s|[,_]\s(?!jr\b|sr\b)|"
    r"(?<=\S \S{2,40}) and (?=\S+ \S)"
)
LOOSE_CREDIT = rf"{CREDIT}|\sand\s|[()\[\]]"
# A person with their band is that person; after a single word it is one name: nobody of "Faith And The Muse" is Muse.
WITH_BAND = r"^(?:the )?+(\S+ [^/;]*?) (?:&|\+|and) the [^/;]*"
ONE_NAME = r"^((?:the )?+\S+) (?:&|\+|and) the (?=\S)"
IMITATORS = r"\b(karaoke|tribute|lullaby|made famous|in the style of)\b"


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


def repaired(text: Column) -> Column:
    """The text as it was meant, where its UTF-8 was read as Latin-1 ("BjÃ¶rk"), up to twice; else as it is."""

    def once(written: Column) -> Column:
        is_misread = written.rlike(MISREAD) & written.rlike(LATIN_1)
        meant = F.encode(written, "ISO-8859-1").cast("string")
        return F.when(is_misread, F.when(F.is_valid_utf8(meant), meant).otherwise(written)).otherwise(written)

    for _ in range(MOST_MISREADINGS):
        text = _let(text, once)
    return text


def folded(text: Column) -> Column:
    """Lower case without accents or typographic dashes and quotes, blanks squeezed, misread letters repaired."""
    out = F.translate(
        F.lower(repaired(text)),
        ACCENTED + BARRED + "\u2010\u2011\u2012\u2013\u2014\u2018\u2019",
        PLAIN + BARE + "-----''",
    )
    out = F.regexp_replace(out, LATIN_ACCENTS, "")
    for ligature, plain in LIGATURES.items():
        out = F.replace(out, F.lit(ligature), F.lit(plain))
    return F.trim(F.regexp_replace(out, r"\s+", " "))


def exact_key(text: Column) -> Column:
    """What counts as written the same: lower case, outer blanks dropped."""
    return F.lower(F.trim(text))


def letters(key: Column) -> Column:
    """A key without its blanks: "AC/DC" and "ACDC" have the same letters."""
    return F.replace(key, F.lit(" "), F.lit(""))


# --- titles


def title_parts(title: Column) -> Column:
    """A title taken apart, as a struct: `base` (normalised, what versions of a work have in common), `core` (the base
    without subtitles), `version_words` (of the version notes, empty for the plain recording) and `version`, their kind
    (of VERSION_WORDS; null for the plain recording)."""

    def parts(recording: Column) -> Column:
        return _let(_version_notes(recording), lambda notes: _parts(recording, notes))

    return _let(_recording(title), parts)


def without_artist(title: Column, artist: Column) -> Column:
    """The title without the artist's name before a dash or slash ("Metallica - Fade To Black"); a note of a version or
    edition alone is no title."""
    written, name = F.lower(title), F.lower(artist)
    begins = written.startswith(F.concat(name, F.lit(DASH))) | written.startswith(F.concat(name, F.lit(" / ")))
    rest = F.substr(title, F.length(artist) + F.length(F.lit(DASH)) + 1)
    is_note = F.lower(rest).rlike(VERSION_NOTE) | F.lower(rest).rlike(rf"^{EDITION}$")
    return F.when(begins & ~is_note, rest).otherwise(title)


def title_key(title: Column) -> Column:
    """The normalised title with its version; the folded text itself where nothing else is left (such as "???")."""
    return _let(
        title_parts(title),
        lambda parts: F.when(parts["version_words"] == "", parts["base"]).otherwise(
            F.concat(parts["base"], F.lit(" "), parts["version_words"])
        ),
    )


def title_numbers(key: Column) -> Column:
    """The numbers of a normalised title in order, joined: two titles that differ in them are never one song."""
    return F.array_join(F.array_sort(F.regexp_extract_all(key, F.lit(r"\d+"), F.lit(0))), " ")


def song_title_key(title: Column) -> Column:
    """The normalised title without notes of editions: for telling one play from two, not one recording from another."""

    def key(text: Column) -> Column:
        out = text
        for note in (*GUESTS, PLAY_EDITIONS):
            out = F.regexp_replace(out, note, "")
        return _words(out, text)

    return _let(folded(title), key)


def _recording(title: Column) -> Column:
    """The folded title without guests and editions, in round brackets; as it was where nothing else is left."""

    def stripped(text: Column) -> Column:
        out = text
        for note in (
            *GUESTS,
            EDITION_AT_END,
            EDITION_IN_BRACKETS,
            EDITION_AT_END,
            SOUNDTRACK_NOTE,
        ):
            out = F.regexp_replace(out, note, "")
        out = F.regexp_replace(F.translate(out, "[]", "()"), ENDS_NUMBERED, " ($2)")
        return F.coalesce(F.nullif(F.trim(out), F.lit("")), text)

    return _let(folded(title), stripped)


def _version_notes(recording: Column) -> Column:
    """Notes in brackets or after a dash that name a version, and what such a note after a dash is followed by: the
    day and place of a concert."""

    def named(note: Column) -> Column:
        return note.rlike(VERSION_NOTE)

    def of_dashes(notes: Column) -> Column:
        return F.filter(notes, lambda note, place: named(note) | F.exists(F.slice(notes, F.lit(1), place), named))

    parts = F.transform(F.split(F.regexp_replace(recording, IN_BRACKETS, " "), DASH), _trimmed)
    in_brackets = F.transform(F.regexp_extract_all(recording, F.lit(IN_BRACKETS), F.lit(1)), _trimmed)
    after_dashes = _let(F.slice(parts, 2, F.greatest(F.size(parts), F.lit(1))), of_dashes)
    return F.concat(F.filter(in_brackets, named), after_dashes)


def _parts(recording: Column, notes: Column) -> Column:
    def bare(text: Column, note: Column) -> Column:
        return F.replace(
            F.replace(text, F.concat(F.lit("("), note, F.lit(")")), F.lit(" ")), F.concat(F.lit(DASH), note), F.lit(" ")
        )

    def titles(base: Column) -> Column:
        core = F.get(F.split(F.regexp_replace(base, IN_BRACKETS, " "), DASH), F.lit(0))
        # Each with what it is where nothing is left: a title that is all notes, such as "(Live)", is its own base.
        return F.array(
            F.struct(base.alias("text"), recording.alias("otherwise")),
            F.struct(core.alias("text"), base.alias("otherwise")),
        )

    def parts(found: Column) -> Column:
        return F.struct(
            F.get(found, F.lit(0)).alias("base"),
            F.get(found, F.lit(1)).alias("core"),
            _version_words(notes).alias("version_words"),
            _kind(notes).alias("version"),
        )

    found = F.transform(
        _let(F.aggregate(notes, recording, bare), titles), lambda title: _titled(title["text"], title["otherwise"])
    )
    return F.when(recording.isNotNull(), _let(found, parts))


def _version_words(notes: Column) -> Column:
    said = F.array_join(F.array_sort(F.transform(notes, lambda note: _words(note, note))), " ")
    return F.trim(F.regexp_replace(F.regexp_replace(said, EMPTY_WORDS_OF_VERSIONS, ""), r"\s+", " "))


def _kind(notes: Column) -> Column:
    def of_lines(lines: Column) -> Column:
        kinds = F.when(lines == "", F.lit(None))
        for kind, words in VERSION_WORDS.items():
            pattern = rf"\b({words})\b"
            kinds = kinds.when(lines.rlike(rf"(?m){LIVE}|{pattern}" if kind == "live" else pattern), kind)
        return kinds.otherwise("other")

    return _let(F.array_join(notes, "\n"), of_lines)


def _titled(text: Column, otherwise: Column) -> Column:
    return F.regexp_replace(_numbered(_words(text, otherwise)), r"^(the|an?) (?=.)", "")


def _numbered(text: Column) -> Column:
    """Words of numbers as digits, and "part" and "no" dropped before them: "Pt. II", "Part Two", "No. 2" are "2"."""

    def counted(words: Column) -> Column:
        return F.transform(words, lambda word: F.coalesce(F.try_element_at(_literal(COUNTED), word), word))

    def with_digits(words: Column) -> Column:
        def at(place: Column) -> Column:
            return F.when(place >= 0, F.get(words, place))

        def digits(word: Column, place: Column) -> Column:
            before = at(place - 1).isin(*BEFORE_NUMERALS)
            after_one = at(place - 2).isin(*BEFORE_NUMERALS) & at(place - 1).rlike(NUMBER)  # "Parts I-V"
            is_last = (place > 0) & (place == F.size(words) - 1)
            return F.coalesce(
                F.when(before | after_one, F.try_element_at(_literal(NUMERALS), word)),
                F.when(is_last & word.isin(*AT_THE_END), F.try_element_at(_literal(NUMERALS), word)),
                word,
            )

        return F.transform(words, digits)

    def bare(words: Column) -> Column:
        def is_counting(word: Column, place: Column) -> Column:
            return word.isin("part", "no") & F.coalesce(F.get(words, place + 1).rlike(r"^\d"), F.lit(False))

        return F.filter(words, lambda word, place: ~is_counting(word, place))

    words = _let(_let(F.split(text, " "), counted), with_digits)
    return F.array_join(_let(words, bare), " ")


def _literal(pairs: Mapping[str, str]) -> Column:
    told = ", ".join(f"'{word}', '{meaning}'" for word, meaning in pairs.items())
    return F.expr(f"map({told})")


# --- artists


def artist_parts(artist: Column) -> Column:
    """An artist's name taken apart, as a struct.

    `key` is the normalised name: as a title, and without a leading "the" and without guests. `credited` are all names
    that a credit of several artists may be made of ("A / B", "A & B", "A feat. B"), in order; empty where there is one.
    Some are nobody's ("Belle And Sebastian"), so a title must agree as well. `parties` are those that are surely
    somebody: of a person with their band the person, and of names that may be one ("Faith And The Muse") none.
    `imitates` says whether the name is of a karaoke or tribute act, whose tracks are nobody else's.
    """
    return _let(
        folded(artist),
        lambda text: F.struct(
            _artist_key(text).alias("key"),
            _let(
                _credited(text, LOOSE_CREDIT), lambda found: F.when(F.size(found) > 1, found).otherwise(_nobody())
            ).alias("credited"),
            _parties(text).alias("parties"),
            text.rlike(IMITATORS).alias("imitates"),
        ),
    )


def artist_key(artist: Column) -> Column:
    """The `key` of `artist_parts` alone."""
    return _let(folded(artist), _artist_key)


def artist_letters(artist: Column) -> Column:
    """The letters of the normalised name, which an artist's id is minted from."""
    return letters(artist_key(artist))


def party_keys(artist: Column) -> Column:
    """The `parties` of `artist_parts` alone."""
    return _let(folded(artist), _parties)


def _artist_key(text: Column) -> Column:
    return F.regexp_replace(_words(_without_guests(text), text), r"^the (?=.)", "")


def _parties(folded_name: Column) -> Column:
    def parties(text: Column) -> Column:
        leader = F.regexp_replace(text, WITH_BAND, "$1")
        return _let(
            _credited(F.regexp_replace(leader, ONE_NAME, "$1-and-the-"), CREDIT),
            lambda found: F.when((F.size(found) > 1) | (leader != text), found).otherwise(_nobody()),
        )

    return _let(F.translate(folded_name, "()[]", ""), parties)


def _nobody() -> Column:
    return F.expr("CAST(array() AS array<string>)")


def _credited(text: Column, joint: str) -> Column:
    keys = F.transform(F.split(text, joint), lambda part: F.regexp_replace(_words(part, F.lit("")), r"^the (?=.)", ""))
    return F.array_distinct(F.filter(keys, lambda key: key != ""))


def _without_guests(text: Column) -> Column:
    return F.regexp_replace(F.regexp_replace(text, GUESTS_IN_BRACKETS, ""), GUESTS_AT_END, "")


def _words(text: Column, otherwise: Column) -> Column:
    words = F.regexp_replace(F.regexp_replace(text, r"&|(?<=\s)\+(?=\s)", " and "), r"'", "")
    words = F.trim(F.regexp_replace(words, r"[^\p{L}\p{M}\p{N}]+", " "))
    return _let(words, lambda found: F.when(found == "", otherwise).otherwise(found))


def _trimmed(text: Column) -> Column:
    """`F.trim` itself takes a second argument, for which Spark would give it the place in the array."""
    return F.trim(text)


def _let(value: Column, told: Callable[[Column], Column]) -> Column:
    """`told` of a value that is worked out once, however often it stands in there."""
    return F.get(F.transform(F.array(value), told), F.lit(0))
