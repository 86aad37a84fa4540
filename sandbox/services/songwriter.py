"""Lyrics for the world's tracks: made-up lines in the track's mood, the same for the same track. No real words."""

from __future__ import annotations

from random import Random

from sandbox.catalogue import Track
from sandbox.names import words
from sandbox.services.library import chance

MOODS = ("happy", "sad", "angry", "relaxed")
# Words of one mood each, none in two lists: a lexicon can tell the moods apart.
LEXICON = {
    "happy": words(
        "sunshine laughing dancing golden sparkle cheer bright joy smiling celebrate glitter summer jump sing shining "
        "delight party merry glow festival"
    ),
    "sad": words(
        "tears crying lonely grey goodbye grief fading empty sorrow weeping lost ashes mourning broken cold missing "
        "hollow regret winter wither"
    ),
    "angry": words(
        "rage burning scream fists smash fury shout venom riot spite snarl crush bitter blood storming hate teeth "
        "war shatter furious"
    ),
    "relaxed": words(
        "gentle drifting breeze calm slowly breathing quiet floating soft river resting hush easy moonlit hammock "
        "mellow murmur tender still meadow"
    ),
}
NEUTRAL = words(
    "window station letter kitchen highway mirror ceiling garden corner morning pocket ladder harbour number picture "
    "table bottle curtain bridge engine"
)
LINES = (
    "{mood} by the {thing}",
    "I left the {thing} {mood}",
    "oh {mood}, oh {other}, all the way to the {thing}",
    "there is {mood} behind the {thing}",
    "you and the {thing}, {mood} again",
    "count the {thing}s and keep the {mood}",
    "nobody asked the {thing} about {mood} and {other}",
    "{mood}, {mood}, on the {thing}",
)
VERSES, VERSE_LINES = 5, 4
STRAY_SHARE = 0.15  # of the mood words come from another mood: no song is pure
INSTRUMENTAL_FROM = 0.5  # Spotify's own reading of instrumentalness


def mood_of(track: Track) -> str:
    """The quadrant of Russell's plane that its valence and energy lie in."""
    happy_side, lively = track.features.valence >= 0.5, track.features.energy >= 0.5
    if happy_side:
        return "happy" if lively else "relaxed"
    return "angry" if lively else "sad"


def is_instrumental(track: Track) -> bool:
    return track.features.instrumentalness >= INSTRUMENTAL_FROM


def lyrics(track: Track) -> str:
    """Verses of the track's mood, separated by empty lines; the last repeats the first."""
    rng = Random(f"lyrics/{track.isrc}")
    mood = mood_of(track)

    def word() -> str:
        return rng.choice(LEXICON[rng.choice(MOODS) if rng.random() < STRAY_SHARE else mood])

    verses = [
        "\n".join(
            rng.choice(LINES).format(mood=word(), other=word(), thing=rng.choice(NEUTRAL)) for _ in range(VERSE_LINES)
        )
        for _ in range(VERSES - 1)
    ]
    return "\n\n".join([*verses, verses[0]])


def synced(text: str, duration_ms: int) -> str:
    """The lines with LRC time stamps, evenly over the track."""
    lines = [line for line in text.splitlines() if line]
    stamps = [duration_ms * number // (len(lines) + 1) for number in range(1, len(lines) + 1)]
    return "\n".join(
        f"[{ms // 60_000:02d}:{ms // 1000 % 60:02d}.{ms % 1000 // 10:02d}] {line}"
        for ms, line in zip(stamps, lines, strict=True)
    )


def is_known_to(service: str, track: Track, share: float) -> bool:
    """Whether the service has the track's lyrics; each has lyrics of its own share of all tracks."""
    return chance(service, track.isrc) < share
