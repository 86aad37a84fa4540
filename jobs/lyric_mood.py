"""The local scorer of lyrics: English words to a probability over the four moods, offline.

Valence is VADER's, line by line; arousal is made of cues of our own, for no freely licensed list of arousal exists
(docs/lyric-model.md). The trap: VADER knows English alone, so what is not surely English gets no moods at all.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from itertools import pairwise
from typing import Any

from schemas.vocab import MOODS

RULES = 1  # grows when the code below comes to mean something else
LIBRARIES = ("vaderSentiment", "py3langid")
LANGUAGE = "en"
LEAST_CERTAIN = 0.5  # of a language: below, it is told by nobody and nothing is scored

CHARGED = 0.05  # from which VADER's own page calls a line positive or negative, below -CHARGED
DOUBT = 2.0  # charged lines, and words of scenes, that a mean of 0 weighs as much as
EVIDENCE = 8.0  # charged lines and words of scenes at which the confidence is one half
# How far a text in which every line, or word, has the cue is lifted.
EXCLAIMED, SHOUTED, REPEATED = 0.4, 0.4, 0.2
LEAST_SHOUTED = 3  # letters of a word in capitals: "I" and "OK" shout nothing
# Of the score of a mood, per unit of valence and of arousal: the clearest text gets .84 for its mood.
SLOPE = 1.2
SIDES = {"happy": (1, 1), "angry": (-1, 1), "sad": (-1, -1), "relaxed": (1, -1)}  # of valence and arousal

# Words that tell of a body or a scene, with the side of valence and of arousal they are on. Written for this file from
# plain usage, not taken from any rating; of valence they say something only where VADER is silent.
SCENES = {
    "strife": (-1, 1, """
        attack bang battle blast bomb burn clash crash danger enemy explode fierce fight fury gun hate hit hunt kick
        kill knife mad punch rage rebel revenge riot scream slam smash steal stomp strike traitor war
    """),
    "motion": (0, 1, """
        beat blaze blow break chase crazy crowd drive drum faster fever fire flame fly heat hot hurry loud move pound
        power pump push race roar rock run rush shake shout spin storm sweat thunder tonight wild yell
    """),
    "feast": (1, 1, "alive bounce clap dance jump party swing thrill"),
    "loss": (-1, -1, """
        alone ashes cold cry empty gone goodbye grave gray grey grief lonely lost mourn sorrow tear tears weary weep
    """),
    "stillness": (0, -1, """
        blue close cloud dusk fade fall leave memory miss ocean pale rain sigh silence silent snow still tired weak
        whisper winter
    """),
    "rest": (1, -1, """
        asleep bed breathe breeze calm candle drift ease easy fireside float gentle heal hush lazy lullaby mellow
        moonlight peace pillow quiet rest river sail shade sleep slow soft softly sunset tender
    """),
}  # fmt: skip
SCENE_VALENCE = 0.3  # of a line of such words alone: what VADER gives to a mild word

LABEL = re.compile(r"\[[^\]\n]*\]")  # such as [Chorus]: said of the song, not in it
OVH_HEADING = re.compile(r"^Paroles de la chanson .*\n")  # lyrics.ovh, before a text that may be in any language
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
SUFFIXES = ("ing", "in'", "ed", "es", "s")


@dataclass(frozen=True)
class Score:
    """What a model says of a text: `moods` is None where it cannot tell, the confidence then 0.

    `language` is an ISO 639 code, None where it is not told.
    """

    model_version: str
    moods: Mapping[str, float] | None
    confidence: float
    language: str | None


class LyricMood:
    """The scorer; its libraries are read at the first text. Threads may share it."""

    source = "local"

    @cached_property
    def version(self) -> str:
        """`words-` and a hash of all that decides a mood: our numbers and words, and the libraries' versions."""
        numbers = [RULES, LEAST_CERTAIN, CHARGED, DOUBT, EVIDENCE, EXCLAIMED, SHOUTED, REPEATED, LEAST_SHOUTED]
        parts = [numbers, SLOPE, SCENE_VALENCE, SCENES, [version(name) for name in LIBRARIES]]
        return f"words-{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:8]}"

    def score(self, text: str) -> Score:
        """The moods of a text; none where it is not surely English, or where no word of it says anything."""
        sung = LABEL.sub("", OVH_HEADING.sub("", text)).strip()
        language, certainty = self._identifier.classify(sung)
        if certainty < LEAST_CERTAIN or not WORD.search(sung):
            return Score(self.version, None, 0.0, None)
        if language != LANGUAGE:
            return Score(self.version, None, 0.0, language)
        lines = [line for line in sung.splitlines() if line.strip()]
        valences = [self._valence(line) for line in lines]
        charged = [valence for valence in valences if abs(valence) >= CHARGED]
        lifted, words = arousal(lines)
        evidence = len(charged) + words
        if not evidence:
            return Score(self.version, None, 0.0, language)
        valence = sum(charged) / (len(charged) + DOUBT)
        return Score(self.version, probabilities(valence, lifted), evidence / (evidence + EVIDENCE), language)

    def _valence(self, line: str) -> float:
        """What VADER says of a line, or, where it says nothing, what the line's scenes do."""
        compound: float = self._analyzer.polarity_scores(line)["compound"]
        if abs(compound) >= CHARGED:
            return compound
        sides = [side for stem in _stems(line) if (side := _PLEASING.get(stem, 0))]
        return SCENE_VALENCE * sum(sides) / len(sides) if sides else 0.0

    @cached_property
    def _identifier(self) -> Any:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier

        return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    @cached_property
    def _analyzer(self) -> Any:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

        return SentimentIntensityAnalyzer()


def probabilities(valence: float, arousal: float) -> dict[str, float]:
    """Russell's quadrants without edges: the softmax of how far a text lies towards each mood's corner."""
    weights = {mood: math.exp(SLOPE * (v * valence + a * arousal)) for mood, (v, a) in SIDES.items()}
    total = sum(weights.values())
    return {mood: weights[mood] / total for mood in MOODS}


def arousal(lines: list[str]) -> tuple[float, int]:
    """How stirred (1) or still (-1) the lines are, and how many of their words told it."""
    words = [word for line in lines for word in WORD.findall(line)]
    if not words:
        return 0.0, 0
    stems = [_stem(word) for word in words]
    sides = [_STIRRING[stem] for stem in stems if stem in _STIRRING]
    lifted = sum(sides) / (len(sides) + DOUBT)
    lifted += EXCLAIMED * sum("!" in line for line in lines) / len(lines)
    shouted = sum(word.isupper() and len(word) >= LEAST_SHOUTED for word in words) / len(words)
    if shouted < 0.5:  # capitals throughout are a way of writing
        lifted += SHOUTED * shouted
    lifted += REPEATED * sum(one == other for one, other in pairwise(stems)) / len(words)
    return max(-1.0, min(1.0, lifted)), len(sides)


def _stems(line: str) -> list[str]:
    return [_stem(word) for word in WORD.findall(line)]


def _stem(word: str) -> str:
    """A word less its inflection: crude, but alike for the scenes and the lyrics."""
    word = word.casefold().replace("’", "'")
    for suffix in SUFFIXES:
        if word.endswith(suffix) and len(word) - len(suffix) >= 3:
            word = word[: -len(suffix)]
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls":
        word = word[:-1]
    return word.removesuffix("e") if len(word) > 3 else word


_PLEASING = {_stem(word): valence for valence, _, words in SCENES.values() for word in words.split()}
_STIRRING = {_stem(word): arousal for _, arousal, words in SCENES.values() for word in words.split()}
