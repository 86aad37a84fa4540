"""The local scorer of lyrics: its probabilities, what it does not read, and what its version hangs on."""

from __future__ import annotations

import re

import pytest

from jobs import lyric_mood
from jobs.lyric_mood import SCENES, LyricMood, arousal, probabilities
from jobs.scoring import ONE_WORD, RemoteScorer, scorer
from schemas.vocab import MOODS

CLEAR = {
    "happy": "We dance in the street and the crowd is laughing\nJump for joy, we love this party tonight!",
    "angry": "I hate you, you liar, watch it burn\nFight me, kill the lies, rage and riot!",
    "sad": "I cry alone and the rain is falling\nGoodbye my love, the sorrow stays with me",
    "relaxed": "Soft breeze on the quiet river, peace in my heart\nGentle moonlight, sweet and calm, rest with me",
}


@pytest.fixture(scope="module")
def model() -> LyricMood:
    return LyricMood()


@pytest.mark.parametrize("mood", MOODS)
def test_clear_words_have_their_mood(model: LyricMood, mood: str) -> None:
    score = model.score(CLEAR[mood])
    assert score.moods is not None
    assert max(score.moods, key=score.moods.__getitem__) == mood
    assert sum(score.moods.values()) == pytest.approx(1.0)
    assert 0 < score.confidence < 1
    assert (score.language, score.model_version) == ("en", model.version)


def test_more_words_are_more_sure_and_labels_are_not_words(model: LyricMood) -> None:
    once, twice = model.score(CLEAR["sad"]), model.score("\n".join([CLEAR["sad"]] * 2))
    assert once.confidence < twice.confidence
    labelled = model.score(f"[Chorus: fight, burn, KILL!]\n{CLEAR['sad']}")
    assert labelled == once


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("Te quiero mi amor, no me dejes nunca\nbajo la lluvia de la noche", "es"),
        ("Ich liebe dich und ich hasse dich\nund der Regen fällt auf die Stadt", "de"),
        ("la la la la na na na hey hey", None),
        ("♪ ♪ ♪", None),
        ("Paroles de la chanson Regen par Wolke\nIch liebe dich und der Regen fällt auf die Stadt", "de"),
    ],
)
def test_what_is_not_surely_english_has_no_mood(model: LyricMood, text: str, language: str | None) -> None:
    score = model.score(text)
    assert (score.moods, score.confidence, score.language) == (None, 0.0, language)


def test_words_that_say_nothing_have_no_mood(model: LyricMood) -> None:
    score = model.score("The window and the table and the letter that we had in the town")
    assert (score.moods, score.confidence, score.language) == (None, 0.0, "en")


def test_scenes_say_what_vader_does_not_and_each_word_stands_once() -> None:
    words = [word for _, _, listed in SCENES.values() for word in listed.split()]
    assert len(words) == len(set(words))
    model = LyricMood()
    moods = model.score("The candle and the river, we drift and float\nand the breeze is in the boat").moods
    assert moods is not None
    assert max(moods, key=moods.__getitem__) == "relaxed"


def test_each_cue_of_arousal_lifts_and_calming_words_lower() -> None:
    plain, _ = arousal(["we talk of the town"])
    assert plain == 0
    for line in ("we talk of the town!", "we TALK of the TOWN", "we talk talk of the town", "we run and shout"):
        assert arousal([line])[0] > plain, line
    assert arousal(["quiet rain, sleeping, softly falling"])[0] < plain
    assert arousal(["BURNED BURNING BURNS"])[1] == 3
    assert arousal(["WE TALK OF THE TOWN"])[0] == plain, "a text in capitals shouts nothing"
    assert arousal([]) == (0.0, 0)


@pytest.mark.parametrize(
    ("valence", "stirred", "mood"), [(1, 1, "happy"), (-1, 1, "angry"), (-1, -1, "sad"), (1, -1, "relaxed")]
)
def test_corners_are_the_four_moods_and_the_middle_is_none(valence: float, stirred: float, mood: str) -> None:
    corner = probabilities(valence, stirred)
    assert list(corner) == list(MOODS)
    assert max(corner, key=corner.__getitem__) == mood
    assert set(probabilities(0, 0).values()) == {0.25}


def test_the_version_hangs_on_words_numbers_and_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    before = LyricMood().version
    assert re.fullmatch(r"words-[0-9a-f]{8}", before)
    assert LyricMood().version == before
    for name, value in (
        ("RULES", 99),
        ("SLOPE", 9.9),
        ("SCENES", {"motion": (0, 1, "run")}),
        ("version", lambda _: "9.9"),
    ):
        with monkeypatch.context() as patched:
            patched.setattr(lyric_mood, name, value)
            assert LyricMood().version != before, name


def test_the_setting_or_the_service_chooses_the_scorer() -> None:
    def client() -> None:
        raise AssertionError("no service was to be opened yet")

    chosen = {
        (name, there): scorer(name, client, has_service=there)
        for name in ("", "local", "remote")
        for there in (True, False)
    }  # type: ignore[arg-type]
    remote = {key for key, one in chosen.items() if isinstance(one, RemoteScorer)}
    assert remote == {("", True), ("remote", True), ("remote", False)}


def test_the_one_word_of_instrumentals_is_known() -> None:
    pattern = ONE_WORD
    assert all(re.search(pattern, text) for text in ("instrumental", "[instrumental]", "(instrumental)."))
    assert not re.search(pattern, "this is no instrumental")
