"""LRCLIB, lyrics.ovh and the AI service: lyrics with a mood, and who knows them."""

from __future__ import annotations

from collections import Counter
from typing import Any
from urllib.parse import quote

import pytest
import requests

from sandbox.catalogue import Track
from sandbox.services.server import Sandbox
from sandbox.services.songwriter import LEXICON, MOODS, is_instrumental, lyrics, mood_of
from sandbox.world import World
from tests.sandbox.services.calling import AGENT, kinds


def lrclib(box: Sandbox, path: str = "get", **parameters: Any) -> requests.Response:
    return requests.get(f"{box.url('lrclib')}/api/{path}", params=parameters, headers=AGENT, timeout=5)


def ovh(box: Sandbox, artist: str, title: str) -> requests.Response:
    return requests.get(f"{box.url('lyricsovh')}/v1/{quote(artist, safe='')}/{quote(title, safe='')}", timeout=5)


def ask(box: Sandbox, path: str, body: Any) -> requests.Response:
    return requests.post(f"{box.url('ai')}/{path}", json=body, timeout=5)


def names(track: Track) -> dict[str, str]:
    return {"track_name": track.title, "artist_name": track.artist.name}


@pytest.fixture
def known(box: Sandbox, world: World) -> Track:
    """A track whose lyrics both services have."""
    for track in world.tracks:
        if lrclib(box, **names(track)).ok and ovh(box, track.artist.name, track.title).ok:
            return track
    raise AssertionError("no such track")


def test_lyrics_have_the_mood_of_their_track(world: World) -> None:
    assert len({word for mood in MOODS for word in LEXICON[mood]}) == sum(len(LEXICON[mood]) for mood in MOODS)
    assert lyrics(world.tracks[0]) == lyrics(world.tracks[0])
    right = Counter()  # type: Counter[bool]
    for track in world.tracks[:200]:
        counts = {mood: sum(lyrics(track).count(word) for word in LEXICON[mood]) for mood in MOODS}
        right[max(counts, key=counts.__getitem__) == mood_of(track)] += 1
    assert right[True] > 190


def test_lrclib_finds_most_and_says_what_is_instrumental(box: Sandbox, world: World) -> None:
    answers = {track.isrc: lrclib(box, **names(track)) for track in world.tracks[::60]}
    found = [track for track in world.tracks[::60] if answers[track.isrc].ok]
    assert 0.5 < len(found) / len(answers) < 0.95
    for track in found:
        body = answers[track.isrc].json()
        assert body["instrumental"] == is_instrumental(track)
        assert (body["plainLyrics"] is None) == is_instrumental(track)
        assert lrclib(box, f"get/{body['id']}").json() == body
    missing = next(answer for answer in answers.values() if not answer.ok)
    assert missing.json() == {
        "message": "Failed to find specified track", "name": "TrackNotFound", "statusCode": 404,
    }  # fmt: skip
    assert kinds(box) == []


def test_lrclib_compares_album_and_duration(box: Sandbox, known: Track) -> None:
    seconds = known.duration_ms / 1000
    assert lrclib(box, **names(known), duration=round(seconds), album_name=known.releases[0].album).ok
    assert lrclib(box, **names(known), duration=round(seconds + 1.4)).ok
    assert lrclib(box, **names(known), duration=round(seconds + 4)).status_code == 404
    assert lrclib(box, **names(known), album_name="Another").status_code == 404
    assert lrclib(box, **names(known), duration=0).json()["name"] == "ValidationError"
    assert lrclib(box, track_name="x").status_code == 400
    assert lrclib(box, "search", q=known.title).json()
    assert kinds(box) == ["parameter", "parameter"]
    requests.get(f"{box.url('lrclib')}/api/get", params=names(known), timeout=5)
    assert kinds(box)[2:] == ["header"]


def test_lyrics_faults(box: Sandbox, known: Track) -> None:
    on = box.faults.on
    on("lrclib.instrumental", times=1)
    body = lrclib(box, **names(known)).json()
    assert (body["instrumental"], body["plainLyrics"], body["syncedLyrics"]) == (True, None, None)
    on("lrclib.null_lyrics", times=1)
    body = lrclib(box, **names(known)).json()
    assert (body["instrumental"], body["plainLyrics"]) == (False, None)
    on("lrclib.not_found", times=1)
    assert lrclib(box, **names(known)).status_code == 404
    on("lyricsovh.not_found", times=1)
    assert ovh(box, known.artist.name, known.title).json() == {"error": "No lyrics found"}
    on("lyricsovh.empty", times=1)
    assert ovh(box, known.artist.name, known.title).json() == {"lyrics": ""}
    assert ovh(box, known.artist.name, known.title).json() == {"lyrics": lyrics(known)}
    on("lyricsovh.timeout", times=1, seconds=2)
    with pytest.raises(requests.Timeout):
        requests.get(f"{box.url('lyricsovh')}/v1/a/b", timeout=0.1)


def test_lyrics_ovh_wants_each_name_encoded(box: Sandbox) -> None:
    assert ovh(box, "AC/DC", "T.N.T.").status_code == 404  # understood, though not known
    assert kinds(box) == []
    bad = requests.get(f"{box.url('lyricsovh')}/v1/AC/DC/T.N.T.", timeout=5)
    assert (bad.status_code, bad.json()) == (400, {"error": "Artist or title missing"})
    assert kinds(box) == ["parameter"]


def test_the_ai_reads_moods(box: Sandbox, world: World) -> None:
    track = next(track for track in world.tracks if mood_of(track) == "sad")
    answer = ask(box, "mood", {"lyrics": lyrics(track)})
    scores = answer.json()
    assert tuple(scores) == MOODS
    assert sum(scores.values()) == pytest.approx(1)
    assert max(scores, key=scores.__getitem__) == "sad"
    assert answer.headers["X-Model-Version"]
    assert ask(box, "mood", {"lyrics": 3}).status_code == 422
    assert ask(box, "mood", ["x"]).status_code == 400
    assert kinds(box) == ["body", "body"]


def test_the_ai_recommends(box: Sandbox, world: World) -> None:
    vector = {"happy": 0.9, "sad": 0.0, "angry": 0.1, "relaxed": 0.0}
    songs = ask(box, "recommend", {"mood": vector, "limit": 8}).json()["songs"]
    assert len(songs) == 8
    assert songs == ask(box, "recommend", vector | {"limit": 8}).json()["songs"]
    assert [song["score"] for song in songs] == sorted((song["score"] for song in songs), reverse=True)
    by_id = {release.track_id: track for track in world.tracks for release in track.releases}
    moods = [mood_of(by_id[song["spotify_id"]]) for song in songs if "spotify_id" in song]
    assert set(moods) == {"happy"}
    assert ask(box, "recommend", {"happy": 2}).status_code == 422


def test_ai_faults(box: Sandbox) -> None:
    text = {"lyrics": "sunshine and tears"}
    on = box.faults.on
    on("ai.not_normalised", times=1)
    assert sum(ask(box, "mood", text).json().values()) == pytest.approx(1.7, abs=0.01)
    on("ai.negative", times=1)
    assert min(ask(box, "mood", text).json().values()) < 0
    on("ai.malformed", times=1)
    assert "happy" not in ask(box, "mood", text).json()
    on("ai.no_songs", times=1)
    vector = dict.fromkeys(MOODS, 0.25)
    assert ask(box, "recommend", vector).json() == {"songs": []}
    on("ai.rate", times=1, seconds=4)
    assert ask(box, "mood", text).headers["Retry-After"] == "4"
    on("ai.error", times=1)
    assert ask(box, "mood", text).status_code == 500
    on("ai.slow", times=1, seconds=2)
    with pytest.raises(requests.Timeout):
        requests.post(f"{box.url('ai')}/mood", json=text, timeout=0.1)
