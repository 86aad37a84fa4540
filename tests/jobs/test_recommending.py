"""What a person is told to play: lists of the night in words, any mood worked out, a service with this machine behind
it, and the queue."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clients.errors import NotFoundError
from clients.mood_api import Mood, MoodAPIClient, Song
from jobs import distributed
from jobs.choices import block, set_privacy
from jobs.feedback import say
from jobs.recommending import Recommendation, by_mood, given_mood, of_service, queue_all, stored_list
from jobs.runtime.errors import TooLittleDataError, UsageError
from jobs.runtime.lake import Lake, Stamp
from jobs.runtime.settings import RecommendationSettings, Settings
from sandbox.services.server import Sandbox
from schemas.catalog import contract_of
from schemas.vocab import MOODS
from tests import worlds
from tests.boxes import NOW, environment, give_token, small_world
from tests.commands import Called, call, clean_machine
from tests.lakes import GOLD, import_catalogue, import_plays
from tests.lakes import run as run_night
from tests.rows import make_rows

SAD = (0.05, 0.05, 0.8, 0.1)
HAPPY = (0.85, 0.05, 0.05, 0.05)
NIGHT = date(2026, 10, 1)
ASH_TRACKS = ("a" * 32, "b" * 32)


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("happy=.7,relaxed=.3", {"happy": 0.7, "relaxed": 0.3}),
        (" sad ", {"sad": 1}),
        ("sad=2, angry = 6,", {"sad": 0.25, "angry": 0.75}),
    ],
)
def test_a_mood_as_it_is_typed_becomes_shares(text: str, mood: dict[str, float]) -> None:
    assert given_mood(text) == pytest.approx(dict.fromkeys(MOODS, 0.0) | mood)


@pytest.mark.parametrize(
    "text", ["joyful=1", "happy=x", "happy=nan", "happy=-1", "sad=1e308", "sad=1,sad=1", "", "sad=0", "0.5"]
)
def test_other_moods_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--mood"):
        given_mood(text)


def test_the_queue_stops_where_it_fails_and_says_how_far_it_came() -> None:
    tracks = [
        Recommendation("t", "A", name, spotify_id, None, ())
        for name, spotify_id in (("x", "1"), ("y", None), ("z", "2"))
    ]
    sent: list[str] = []
    assert queue_all(tracks, sent.append) == (2, 1)
    assert sent == ["1", "2"]

    def refuse(track: str) -> None:
        if track == "2":
            raise NotFoundError("No such track", remedy="Go on.")

    with pytest.raises(NotFoundError, match=r"1 were queued before\. Go on"):
        queue_all(tracks, refuse)


def put(lake: Lake, table: str, *rows: dict[str, Any]) -> None:
    lake.append(table, make_rows(lake.spark, contract_of(table), *rows), Stamp("test", "2026-10-01"))


def track(track_id: str, artist: str, title: str, spotify_id: str | None = None, **more: Any) -> dict[str, Any]:
    names = {"artist_names": [artist], "track_name": title, "spotify_id": spotify_id}
    return {"track_id": track_id, "artist_id": artist.lower(), "genres": [], **names, **more}


@pytest.fixture
def night(lake: Lake) -> Lake:
    """Ash and birch are matches; ash plays Rain by A, and got lists by hand."""
    ash, birch = lake.pseudonym("ash"), lake.pseudonym("birch")
    put(lake, "ops.accounts", *({"user_id": lake.pseudonym(u), "user_name": u} for u in ("ash", "birch", "new")))
    put(
        lake,
        "silver.users",
        *({"user_id": lake.pseudonym(u), "user_name": u, "display_name": u.title()} for u in ("ash", "birch")),
    )
    rain, sun = ASH_TRACKS
    put(
        lake,
        "silver.tracks",
        track(rain, "A", "Rain", "1" * 22),
        track(sun, "B", "[Sun]", "2" * 22),
        track("c" * 32, "B", "Fog"),
    )
    put(lake, "silver.artists", {"artist_id": "b", "artist_name": "B"})
    put(lake, "silver.catalogue_tracks", {"spotify_id": "3" * 22, "track_id": sun})
    put(lake, "gold.user_matches", {"user_id": ash, "match_user_id": birch, "rank": 1, "score": 0.6})
    reasons = [
        ("mood", "happy", 0.079), ("artist", "b", 7.0), ("session", rain, 0.5), ("sound", rain, 0.5),
        ("genre", "pop", 0.25), ("listeners", None, 2.0), ("popularity", None, 70.0), ("liked", None, 1.0),
        ("plays", None, 9.0), ("days_ago", None, 80.0),
    ]  # fmt: skip
    put(
        lake,
        "gold.recommendations",
        {"user_id": ash, "list": "for_you", "rank": 2, "track_id": "c" * 32, "score": 0.2, "reasons": []},
        {"user_id": ash, "list": "for_you", "rank": 1, "track_id": sun, "score": 0.4567, "reasons": reasons},
        {
            "user_id": ash,
            "list": "from_matches",
            "rank": 1,
            "track_id": sun,
            "score": 0.4,
            "reasons": [("match", birch, 0.6)],
        },
    )
    return lake


def test_a_list_of_the_night_is_told_in_words(night: Lake) -> None:
    first, second = stored_list(night, " ash ", "for_you", 5)
    assert (first.artist_name, first.track_name, first.score, first.spotify_id) == ("B", "[Sun]", 0.4567, "2" * 22)
    assert first.reasons == (
        "mood distance 0.08",
        "because you play B",
        "same session as A - Rain",
        "sounds like A - Rain",
        "pop, 25% of what you play",
        "2 here play it",
        "popularity 70",
        "you like it",
        "you played it 9 times",
        "last 80 days ago",
    )
    assert (second.track_name, second.reasons) == ("Fog", ())
    assert len(stored_list(night, "ash", "for_you", 1)) == 1


def test_what_silver_calls_otherwise_since_the_night_is_left_out(night: Lake) -> None:
    gone, ash = "d" * 32, night.pseudonym("ash")
    reasons = [(kind, gone, 0.5) for kind in ("artist", "session", "sound")]
    rows = [(gone, []), ("c" * 32, [*reasons, ("liked", None, 1.0)])]
    listed = {"user_id": ash, "list": "happy", "score": 0.5}
    told = [listed | {"rank": rank, "track_id": id_, "reasons": why} for rank, (id_, why) in enumerate(rows, 1)]
    put(night, "gold.recommendations", *told)
    (fog,) = stored_list(night, "ash", "happy", 5)
    assert (fog.track_name, fog.reasons) == ("Fog", ("you like it",))


def test_who_is_not_seen_any_more_is_in_no_reason(night: Lake) -> None:
    def matched() -> tuple[str, ...]:
        (one,) = stored_list(night, "ash", "from_matches", 5)
        return one.reasons

    unnamed = (f"your match {night.pseudonym('birch')[:8]}",)
    assert matched() == unnamed
    set_privacy(night, "birch", {"is_name_shown": True})
    assert matched() == unnamed
    set_privacy(night, "ash", {"is_name_shown": True})
    assert matched() == ("your match Birch",)
    block(night, "birch", "ash")
    with pytest.raises(TooLittleDataError, match="from_matches is empty: there is no match"):
        matched()


def test_what_is_not_there_is_said(night: Lake) -> None:
    with pytest.raises(UsageError, match="users list"):
        stored_list(night, "nobody", "for_you", 5)
    with pytest.raises(UsageError, match="known: for_you, rediscover"):
        stored_list(night, "ash", "best", 5)
    with pytest.raises(TooLittleDataError, match=r"current_mood is empty: .*mood current"):
        stored_list(night, "ash", "current_mood", 5)
    with pytest.raises(TooLittleDataError, match=r"run_ingestion\.py run"):
        stored_list(night, "birch", "for_you", 5)
    with pytest.raises(TooLittleDataError, match="no track of the lake has a mood yet"):
        by_mood(night, "ash", {"sad": 1.0}, 5, exact_up_to_users=100)
    with pytest.raises(TooLittleDataError, match="no night has built lists for this listener yet"):
        by_mood(night, "new", {"sad": 1.0}, 5, exact_up_to_users=100)


def test_a_services_songs_are_found_in_the_lake(night: Lake) -> None:
    songs = [
        Song(title="unknown", artist="Nobody", score=0.9),
        Song(title="whatever it calls it", artist="x", spotify_id="1" * 22, score=0.8),
        Song(title="another edition", artist="x", spotify_id="3" * 22),
        Song(title="[sun] (feat. C)", artist="B"),
        Song(title="Sun", artist="B", spotify_id="2" * 22),
        Song(title="FOG", artist="b", spotify_id="9" * 22),
    ]
    found = of_service(night, "ash", songs, 10)
    assert [(one.track_name, one.score) for one in found] == [("Rain", 0.8), ("[Sun]", None), ("Fog", None)]
    assert found[0].reasons == ("the AI service says so",)
    assert len(of_service(night, "ash", songs, 2)) == 2
    say(night, "ash", ASH_TRACKS[0], "dislike", now=datetime(2026, 10, 1, tzinfo=UTC))
    assert [one.track_name for one in of_service(night, "ash", songs, 10)] == ["[Sun]", "Fog"]


def test_what_is_said_and_chosen_shapes_the_next_night(
    lake: Lake, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    songs = [worlds.Song(f"A{n // 3}", f"Song {n}", worlds.spotify_id(n), genres=("pop",)) for n in range(12)]
    start = datetime(2026, 9, 1)  # noqa: DTZ001
    heard = {"ash": songs[:6], "birch": songs[3:9]}
    plays = [
        worlds.Play(user, start + timedelta(days=day, minutes=4 * n), song)
        for user, own in heard.items()
        for day in range(2)
        for n, song in enumerate(own)
    ]
    import_catalogue(lake, settings, tmp_path, songs)
    import_plays(lake, settings, tmp_path, plays)
    run_night(lake, settings, NIGHT)

    def tracks(name: str) -> set[str]:
        rows = lake.read("gold.recommendations").where(f"list = '{name}' AND user_id = '{lake.pseudonym('ash')}'")
        titles = rows.join(lake.read("silver.tracks"), "track_id").select("track_name").collect()
        return {row["track_name"] for row in titles}

    assert {song.title for song in songs[9:]} & tracks("for_you")  # nobody heard them
    matched = tracks("from_matches")
    assert 0 < len(matched) <= 2
    disliked = sorted(matched & tracks("for_you"))[0]
    say(lake, "ash", worlds.spotify_id(int(disliked.removeprefix("Song "))), "dislike", now=NOW)
    block(lake, "birch", "ash")
    run_night(lake, settings, NIGHT)
    assert tracks("from_matches") == set()
    assert tracks("for_you")
    assert disliked not in tracks("for_you") | tracks("happy") | tracks("angry")

    def rows() -> set[str]:
        told = lake.read("gold.recommendations").selectExpr("to_json(struct(*)) AS told")
        return {row["told"] for row in told.collect()}

    by_one_process, asked = rows(), ({"happy": 0.5, "sad": 0.5}, 5)
    many = settings.model_copy(update={"recommendations": RecommendationSettings(exact_up_to_users=0)})
    beyond, calls = distributed.recommendations, []
    monkeypatch.setattr(distributed, "recommendations", lambda *args, **rows: calls.append(1) or beyond(*args, **rows))
    run_night(lake, many, NIGHT, only=GOLD)
    assert calls == [1]
    assert rows() == by_one_process
    one, other = (by_mood(lake, "ash", *asked, exact_up_to_users=most) for most in (100, 0))
    assert one == other
    say(lake, "ash", one[0].track_id, "dislike", now=NOW + timedelta(minutes=1))
    for most in (100, 0):  # at once, before a night
        asked_again = by_mood(lake, "ash", *asked, exact_up_to_users=most)
        assert one[0].track_id not in {told.track_id for told in asked_again}
    say(lake, "ash", one[0].track_id, "none", now=NOW + timedelta(minutes=2))
    version = lake.version("gold.recommendations")
    run_night(lake, many, NIGHT, only=GOLD)
    assert lake.version("gold.recommendations") == version


Run = Callable[..., Called]


@pytest.fixture
def box(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Sandbox]:
    clean_machine(monkeypatch, tmp_path)
    with Sandbox(small_world(), now=NOW) as running:
        for name, value in environment(running, tmp_path).items():
            monkeypatch.setenv(name, value)
        yield running


@pytest.fixture
def person(box: Sandbox) -> str:
    return box.accounts()[0].user


@pytest.fixture
def world(lake: Lake, box: Sandbox, person: str) -> Lake:
    """The lake has what the service recommends for a happy mood, by id or by name, but for its first; and sad songs."""
    client = MoodAPIClient(box.settings()["AI_API_URL"])
    songs = client.recommend(Mood(happy=1.0, angry=0.0, sad=0.0, relaxed=0.0), 12)
    told = {
        song.spotify_id for song in (*songs, *client.recommend(Mood(happy=0.0, angry=0.0, sad=1.0, relaxed=0.0), 20))
    }
    others = sorted({play.track_id for play in box.truth(box.accounts()[0])} - told)
    user_id = lake.pseudonym(person)
    put(lake, "ops.accounts", {"user_id": user_id, "user_name": person})
    put(lake, "silver.users", {"user_id": user_id, "user_name": person, "display_name": person})
    known = [track(f"happy-{n}", song.artist, song.title, song.spotify_id) for n, song in enumerate(songs) if n]
    sad = [track(f"sad-{n}", f"S{n}", f"sad {n}", others[n] if n else None) for n in range(3)]
    put(lake, "silver.tracks", *known, *sad)
    put(lake, "silver.artists", *({"artist_id": f"s{n}", "artist_name": f"S{n}"} for n in range(3)))
    moods = [
        {"track_id": row["track_id"], "mood_confidence": 0.9, **dict(zip(MOODS, shares, strict=True))}
        for rows, shares in ((known, HAPPY), (sad, SAD))
        for row in rows
    ]
    put(lake, "silver.track_moods", *moods)
    put(
        lake,
        "silver.user_tracks",
        {
            "user_id": user_id,
            "track_id": "sad-1",
            "listen_count": 9,
            "skip_count": 0,
            "last_played_at": NOW.replace(tzinfo=None) - timedelta(days=2),
        },
    )
    return lake


@pytest.fixture
def run(world: Lake, settings: Settings, person: str, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Run:
    """`recommend --user` of the first listener, in this process and Spark session."""

    @contextmanager
    def here(doing: str, *, writes: bool) -> Iterator[tuple[Lake, Settings]]:
        assert (doing, writes) == ("recommend", False)
        yield world, settings

    monkeypatch.setattr("jobs.commands.recommend.open_lake", here)
    return lambda *arguments: call(capsys, "recommend", "--user", person, *arguments)


def test_the_verb_tells_any_mood_and_queues(run: Run, box: Sandbox, tmp_path: Path, person: str) -> None:
    told = run("--mood", "sad=.8,relaxed=.1", "--limit", "3")
    assert (told.code, told.err) == (0, "")
    lines = told.out.splitlines()
    assert "S1 - sad 1" in lines[0]  # of equal moods the one that they play
    assert "mood distance" in lines[0]
    assert "because you play S1" in lines[0]
    assert [line.split()[0] for line in lines] == ["1", "2", "3"]

    give_token(box, tmp_path, person)
    queued = run("--mood", "sad", "--limit", "3", "--queue")
    assert queued.out.splitlines()[-1] == "Queued 2. 1 have no Spotify id."
    assert len(box.spotify.queued[person]) == 2
    box.faults.on("spotify.no_active_device")
    refused = run("--mood", "sad", "--queue")
    assert refused.code == 1
    assert "0 were queued before. Start playing on a device" in refused.err


def test_the_service_recommends_and_this_machine_stands_in(
    run: Run, box: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = ("--mood", "happy=1", "--engine", "remote", "--limit", "4")
    told = run(*remote)
    assert (told.code, told.err) == (0, "")
    assert len(told.out.splitlines()) == 4
    assert told.out.count("the AI service says so") == 4
    for fault in ("ai.no_songs", "ai.malformed"):
        box.faults.on(fault)
        instead = run(*remote)
        box.faults.off(fault)
        assert instead.code == 0
        assert instead.err.strip().endswith("So it is worked out here.")
        assert "mood distance" in instead.out
        assert "the AI service says so" not in instead.out
    strange = run("--mood", "sad=1", "--engine", "remote", "--limit", "1")
    assert "songs none is in the lake. So it is worked out here." in strange.err
    monkeypatch.delenv("AI_API_URL")
    without = run(*remote)
    assert "AI_API_URL" in without.err
    assert "mood distance" in without.out


def test_a_wrong_call_of_the_verb_is_told(run: Run) -> None:
    for arguments, complaint in (
        (("--mood", "sad", "--list", "sad"), "not both"),
        (("--engine", "remote"), "by mood alone"),
        (("--list", "best"), "known: for_you"),
        (("--limit", "0"), "--limit"),
    ):
        told = run(*arguments)
        assert told.code == 2
        assert complaint in told.err
    assert run("--list", "for_you").code == 1
