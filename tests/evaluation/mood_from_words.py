"""G, mood from words: the local scorer on 40 short texts written for this page, for labelled lyrics are not at hand.

The trap: whoever writes a text for a mood takes its plainest words, so every figure here flatters.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from jobs.lyric_mood import LyricMood, probabilities
from jobs.mood_model import CALIBRATION_BINS, Floats, calibration_error
from schemas.vocab import MOODS
from tests.evaluation.sections import Gate, Section

# Four moods, ten texts each. None is a song's; some say their mood by a scene and not by name.
TEXTS = {
    "happy": (
        "Turn the radio up, we are driving to the sea\nwindows down and everybody is singing with me",
        "I got a letter this morning and I laughed out loud\nyou are coming home, I could hug the whole crowd!",
        "Confetti in my hair, cake on my shoes\nbest night ever, I have nothing to lose",
        "Wake up, wake up, the sun is in the yard\nlife is a gift and I am playing my card",
        "We won, we won, throw your hats in the sky\ndance with your grandma, kiss a stranger, fly high!",
        "My heart goes boom when you walk in the door\ngimme that smile, give me more, give me more",
        "Saturday market, oranges and brass bands\nkids chasing bubbles with sugar on their hands",
        "Shout it from the rooftop, I am in love today\nhooray, hooray, let the trumpets play!",
        "Jump on the bed, sing into the broom\nour little parade marches room to room",
        "Good news travels fast and I am running ahead\nwith a grin on my face and a song in my head",
    ),
    "angry": (
        "You sold me out, you smiled and you lied\nnow I am coming for all of your pride",
        "Smash the glass, kick down the door\nI will not take your orders anymore!",
        "Shut your mouth, I have heard enough\ntalk to my fist if you think you are tough",
        "They poisoned the river and they counted the cash\nI want to see their towers crash",
        "Hate in my teeth and a fire in my chest\nyou started this war, I will finish the rest",
        "Get out, get out, get OUT of my sight\nI am sick of the cheating, I am ready to fight!",
        "Another boss spitting on the backs of the poor\nwe are breaking the chains, we are storming the door",
        "You stole my name, you ruined my friends\nI swear on my blood this is how it ends",
        "Scream at the cameras, curse at the king\ntear down his statue, the bastard, the thing",
        "Don't you dare tell me to calm down\nI'll burn every bridge in this miserable town",
    ),
    "sad": (
        "Your coat is still hanging in the hall\nI talk to the picture you left on the wall",
        "The phone never rings and the coffee gets cold\nnobody told me that leaving makes you old",
        "I buried my brother on a morning in May\nand the rain has not stopped since they took him away",
        "We were going to name her after your mother\nnow we can't even look at each other",
        "Empty chair, empty plate\nI waited for you and I waited too late",
        "Everyone's dancing, I sit by the coats\nwith a lump of your name in the back of my throat",
        "I lost the house and I lost the ring\nthere isn't a song that I want to sing",
        "Goodbye is a word with a hole in the middle\nI fall through it every night, just a little",
        "Tears on the steering wheel, snow on the ground\ntwenty years gone and not even a sound",
        "My hands are too weak and my hope is too small\nI am lonely and tired and scared of it all",
    ),
    "relaxed": (
        "Feet in the water, hat on my eyes\nnothing to do but to watch the clouds rise",
        "Slow Sunday morning, honey and tea\nthe cat on the blanket is purring at me",
        "Drift with me, darling, the evening is warm\nthe lake is a mirror, there isn't a storm",
        "Breathe in the garden, breathe out the day\nlet all of the noise float gently away",
        "Hammock and mango, a book on my chest\nthe afternoon tells me to rest, to rest",
        "Candlelight, jazz on the radio low\nyour head on my shoulder, we have nowhere to go",
        "Soft is the sand and soft is the moon\nthe sea hums a lullaby, kind and in tune",
        "We sit on the porch and we don't say a word\nit's easy, it's peaceful, just crickets and birds",
        "Let the river carry the little boat home\nI'm happy with silence, I'm fine on my own",
        "Sleep, my love, the night is mild\nstars keep watch on every child",
    ),
}
BASELINES = (
    ("vader and a list of arousal, an earlier measurement on 40 other texts", ".775", "", ""),
    ("small sentence embedding, zero-shot, on the same 40 others", ".950", "", ""),
)
PLAIN = 0.775


def measure(shared: Path) -> Section:  # noqa: ARG001 (the texts stand here)
    labels = np.array([place for place, mood in enumerate(MOODS) for _ in TEXTS[mood]])
    texts = [text for mood in MOODS for text in TEXTS[mood]]
    model = LyricMood()
    scores = [model.score(text) for text in texts]
    uniform = probabilities(0, 0)
    ours = np.array([[(score.moods or uniform)[mood] for mood in MOODS] for score in scores])
    is_told = np.array([score.moods is not None for score in scores])
    valence = ours[:, [MOODS.index("happy"), MOODS.index("relaxed")]].sum(axis=1)
    stirred = ours[:, [MOODS.index("happy"), MOODS.index("angry")]].sum(axis=1)
    pleasant, lively = np.isin(labels, [0, 3]), np.isin(labels, [0, 1])
    right = (ours.argmax(axis=1) == labels) & is_told
    sides = [((side > 0.5) == truth)[is_told].mean() for side, truth in ((valence, pleasant), (stirred, lively))]
    confidence = np.array([score.confidence for score in scores])
    return Section(
        title="Mood from words",
        how=(
            f"{len(texts)} short texts written for this page, ten a mood, none of them a song's: labelled lyrics that "
            "may be used are not at hand. **These figures flatter**: who writes a text for a mood takes its plain "
            "words. A text without a score counts as wrong, and as four quarters for Brier and ECE "
            f"({CALIBRATION_BINS} bins)."
        ),
        header=("method", "accuracy", "Brier", "ECE"),
        rows=(
            ("chance", ".250", _three(_brier(np.full_like(ours, 0.25), labels)), ""),
            *BASELINES,
            (
                f"**ours, {model.version}**",
                _three(right.mean()),
                _three(_brier(ours, labels)),
                _three(calibration_error(ours, labels, CALIBRATION_BINS)),
            ),
        ),
        gates=(
            Gate(
                "accuracy, against vader and a list of arousal",
                "at least .775",
                _three(right.mean()),
                bool(right.mean() >= PLAIN),
            ),
        ),
        notes=(
            f"{is_told.sum()} of {len(texts)} got a score; {_by_mood(right, labels)} are right. Of those scored the "
            f"side of valence is right for {_three(sides[0])}, that of arousal for {_three(sides[1])}; the mean "
            f"confidence is {_three(confidence[is_told].mean())}, for texts of two lines.",
            "Before the words of scenes had a side of valence, .750 of the same texts were right; no word was added "
            "since, but that change was made with these texts in view. Real lyrics are longer and none is as plain.",
        ),
    )


def _brier(shares: Floats, labels: Floats) -> float:
    return float(((shares - np.eye(len(MOODS))[labels]) ** 2).sum(axis=1).mean())


def _by_mood(right: Floats, labels: Floats) -> str:
    counted: Callable[[int], int] = lambda place: int(right[labels == place].sum())  # noqa: E731
    return ", ".join(f"{counted(place)} of 10 {mood}" for place, mood in enumerate(MOODS))


def _three(value: float) -> str:
    return f"{value:.3f}".removeprefix("0")
