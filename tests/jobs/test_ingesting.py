"""Ingest over HTTP from the sandbox: watermarks, waiting, broken accounts, the chain of features, lyric scores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, timedelta
from pathlib import Path

import pytest
from pyspark.sql import functions as F

from jobs import lyric_mood
from jobs.accounts import add_connection
from jobs.catalogue import download_catalogue
from jobs.ingesting import Asked, Report, ingest
from jobs.lyric_mood import LyricMood
from jobs.runtime.errors import UsageError
from jobs.runtime.lake import Lake
from jobs.runtime.ops import new_run_id
from jobs.runtime.settings import Settings, load_settings
from jobs.services import Services
from sandbox.services.server import Sandbox
from tests.boxes import NOW, environment, give_token, small_world
from tests.lakes import run

PLAYS = ("spotify_plays", "lastfm_scrobbles", "listenbrainz_listens")


@pytest.fixture
def box() -> Iterator[Sandbox]:
    with Sandbox(small_world(), now=NOW, frozen=True) as box:
        yield box


@pytest.fixture
def settings(box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    for name, value in environment(box, tmp_path).items():
        monkeypatch.setenv(name, value)
    return load_settings()


def connect(lake: Lake, box: Sandbox, folder: Path, user: str, source: str) -> None:
    account = box.account(user, source)
    add_connection(lake, user, source, account.source_user)
    if source == "spotify":
        give_token(box, folder, user)


def fetched(lake: Lake, settings: Settings, box: Sandbox, asked: Asked) -> Report:
    services = Services(settings)
    now = box.clock.now()
    return ingest(
        lake, settings, services, new_run_id(), now.date(), asked, now=now, is_configured=services.is_configured
    )


def listeners_of(box: Sandbox, source: str) -> list[str]:
    return [account.user for account in box.accounts() if account.service == source]


def test_a_quota_is_waited_for_and_the_next_night_goes_on(
    lake: Lake, settings: Settings, box: Sandbox, tmp_path: Path
) -> None:
    waiting = listeners_of(box, "spotify")[0]
    scrobbler = listeners_of(box, "lastfm")[0]
    connect(lake, box, tmp_path, waiting, "spotify")
    connect(lake, box, tmp_path, scrobbler, "lastfm")
    box.faults.on("spotify.quota", account=waiting, times=1)
    report = fetched(lake, settings, box, Asked(streams=PLAYS))
    assert report.outcome.status == "partial"
    assert lake.read("bronze.lastfm_scrobbles").count() > 0, "a quota of Spotify stopped Last.fm"
    (state,) = lake.read("ops.source_states").where("source = 'spotify'").collect()
    assert (state["status"], state["message"]) == ("waiting", "QuotaError")
    before = box.requests.count(service="spotify")
    assert fetched(lake, settings, box, Asked(streams=PLAYS)).outcome.status == "partial"
    assert box.requests.count(service="spotify") == before, "it was asked before its time"

    box.clock.set(state["retry_not_before"].replace(tzinfo=UTC) + timedelta(minutes=1), frozen=True)
    assert fetched(lake, settings, box, Asked(streams=PLAYS)).outcome.status == "ok"
    assert lake.read("bronze.spotify_plays").count() == len(box.reachable(box.account(waiting, "spotify")))


def test_a_pause_holds_for_every_account_and_every_way_of_asking(
    lake: Lake, settings: Settings, box: Sandbox, tmp_path: Path
) -> None:
    first, second = listeners_of(box, "spotify")[:2]
    connect(lake, box, tmp_path, first, "spotify")
    assert fetched(lake, settings, box, Asked(streams=PLAYS)).outcome.status == "ok"
    connect(lake, box, tmp_path, second, "spotify")
    box.faults.on("spotify.quota", account=second, times=1)
    assert fetched(lake, settings, box, Asked(streams=PLAYS, users=(second,))).outcome.status == "partial"
    before = box.requests.count(service="spotify")
    for asked in (
        Asked(streams=PLAYS, limit=5),
        Asked(streams=PLAYS, start=NOW - timedelta(days=3)),
        Asked(streams=("spotify_top_items", "spotify_tracks")),
    ):
        report = fetched(lake, settings, box, asked)
        assert report.is_partial
        assert report.waiting
    assert box.requests.count(service="spotify") == before, "it was asked before its time"
    (state,) = lake.read("ops.source_states").where("retry_not_before IS NOT NULL").collect()
    assert state["user_id"] == lake.pseudonym(second)


def test_an_explicit_window_says_nothing_of_gaps(lake: Lake, settings: Settings, box: Sandbox, tmp_path: Path) -> None:
    connect(lake, box, tmp_path, listeners_of(box, "spotify")[0], "spotify")
    long_ago = Asked(streams=PLAYS, start=NOW - timedelta(days=900), end=NOW - timedelta(days=890))
    assert fetched(lake, settings, box, long_ago).outcome.status == "ok"
    assert lake.read("ops.gaps").isEmpty()


def test_a_moment_without_milliseconds_is_the_same_play(
    lake: Lake, settings: Settings, box: Sandbox, tmp_path: Path
) -> None:
    connect(lake, box, tmp_path, listeners_of(box, "spotify")[0], "spotify")
    fetched(lake, settings, box, Asked(streams=PLAYS))
    box.faults.on("spotify.no_milliseconds")
    again = fetched(lake, settings, box, Asked(streams=PLAYS))
    assert again.counts.fetched["bronze.spotify_plays"] > 0
    assert again.counts.stored.total() == 0


def test_of_two_spotify_accounts_one_gives_the_top_items(
    lake: Lake, settings: Settings, box: Sandbox, tmp_path: Path
) -> None:
    first, second = listeners_of(box, "spotify")[:2]
    for user in (first, second):
        add_connection(lake, first, "spotify", box.account(user, "spotify").source_user, credential=user)
        give_token(box, tmp_path, user)
    report = fetched(lake, settings, box, Asked(streams=("spotify_top_items",)))
    assert report.outcome.status == "ok"
    assert len({request.account for request in box.requests.where(service="spotify", endpoint="top")}) == 1


def test_what_one_account_loves_stays_while_the_listeners_other_account_fails(
    lake: Lake, settings: Settings, box: Sandbox, tmp_path: Path
) -> None:
    first, second = listeners_of(box, "lastfm")[:2]
    connect(lake, box, tmp_path, first, "lastfm")
    add_connection(lake, first, "lastfm", second)
    asked = Asked(streams=("lastfm_loved_tracks",))
    fetched(lake, settings, box, asked)
    everything = lake.read("bronze.lastfm_loved_tracks").count()
    box.faults.on("lastfm.hidden", account=second)
    assert fetched(lake, settings, box, asked).is_partial
    assert lake.read("bronze.lastfm_loved_tracks").count() == everything


def test_a_window_and_a_quick_look_move_no_watermark(
    lake: Lake, settings: Settings, box: Sandbox, tmp_path: Path
) -> None:
    user = listeners_of(box, "lastfm")[0]
    connect(lake, box, tmp_path, user, "lastfm")
    look = fetched(lake, settings, box, Asked(streams=("lastfm_scrobbles",), limit=5))
    assert (look.counts.stored["bronze.lastfm_scrobbles"], look.outcome.status) == (5, "ok")
    start, end = NOW - timedelta(days=20), NOW - timedelta(days=18)
    fetched(lake, settings, box, Asked(streams=("lastfm_scrobbles",), start=start, end=end))
    (state,) = lake.read("ops.source_states").collect()
    assert state["watermark_at"] is None

    fetched(lake, settings, box, Asked(streams=("lastfm_scrobbles",)))
    everything = lake.read("bronze.lastfm_scrobbles")
    assert everything.count() == len(box.truth(box.account(user, "lastfm"), end=NOW))
    again = fetched(lake, settings, box, Asked(streams=("lastfm_scrobbles",)))
    assert again.counts.stored.total() == 0
    assert again.counts.fetched["bronze.lastfm_scrobbles"] < everything.count()


def test_unknown_streams_and_listeners_are_told(lake: Lake, settings: Settings, box: Sandbox) -> None:
    with pytest.raises(UsageError, match="lastfm_scrobbles"):
        fetched(lake, settings, box, Asked(streams=("lastfm",)))
    with pytest.raises(UsageError, match="accounts list"):
        fetched(lake, settings, box, Asked(users=("nobody",)))


@pytest.mark.parametrize(
    ("faults", "sources"),
    [(("spotify.features_app",), {"spotify"}), ((), {"reccobeats", "kaggle"})],
    ids=["open for the app", "closed for all"],
)
def test_features_come_from_the_best_source_that_is_open(
    lake: Lake, settings: Settings, box: Sandbox, tmp_path: Path, faults: tuple[str, ...], sources: set[str]
) -> None:
    for fault in faults:
        box.faults.on(fault)
    connect(lake, box, tmp_path, listeners_of(box, "spotify")[0], "spotify")
    download_catalogue(lake, settings, Services(settings), tmp_path / "kaggle")
    report = fetched(lake, settings, box, Asked(streams=("spotify_plays", "audio_features")))
    assert report.outcome.status == "ok", [str(result.error) for result in report.troubles]
    run(lake, settings, NOW.date())

    by_source = {
        row["feature_source"]: row["count"]
        for row in lake.read("silver.enriched_listens").groupBy("feature_source").count().collect()
    }
    assert set(by_source) - {"artist", "genre", "none"} == sources
    assert not faults or set(by_source) == sources, "a track was estimated that Spotify knows"
    assert by_source["spotify" if faults else "reccobeats"] > sum(by_source.values()) / 2
    (told,) = lake.read("gold.feature_coverage").where("user_id = '*'").collect()
    assert {source: count for source, count in told["listens_by_source"].items() if count} == by_source

    asked_before = box.requests.count(service="reccobeats")
    fetched(lake, settings, box, Asked(streams=("audio_features",)))
    assert box.requests.count(service="reccobeats") == asked_before, "what is unknown was asked for again at once"


def test_lyrics_are_scored_once_and_the_score_holds_no_text(
    lake: Lake, settings: Settings, box: Sandbox, tmp_path: Path
) -> None:
    connect(lake, box, tmp_path, listeners_of(box, "spotify")[0], "spotify")
    asked = Asked(streams=("spotify_plays", "lyrics", "lyric_scores"))
    report = fetched(lake, settings, box, asked)
    assert report.outcome.status == "ok", [str(result.error) for result in report.troubles]
    scores = lake.read("bronze.lyric_scores")
    assert scores.count() > 0
    sums = scores.where("NOT is_instrumental").select((F.expr("happy + angry + sad + relaxed")).alias("sum"))
    assert all(abs(row["sum"] - 1) < 0.01 for row in sums.collect())
    before = box.requests.count(service="ai")
    fetched(lake, settings, box, asked)
    assert box.requests.count(service="ai") == before


def test_a_text_that_cannot_be_scored_costs_itself_alone(
    lake: Lake, settings: Settings, box: Sandbox, tmp_path: Path
) -> None:
    connect(lake, box, tmp_path, listeners_of(box, "spotify")[0], "spotify")
    fetched(lake, settings, box, Asked(streams=("spotify_plays", "lyrics")))
    texts = lake.read("bronze.lyrics").count()
    box.faults.on("ai.not_normalised", times=1)
    report = fetched(lake, settings, box, Asked(streams=("lyric_scores",)))
    assert report.is_partial
    stored = lake.read("bronze.lyric_scores").count()
    assert 0 < stored < texts
    assert not fetched(lake, settings, box, Asked(streams=("lyric_scores",))).is_partial
    assert lake.read("bronze.lyric_scores").count() == stored + 1


@pytest.fixture
def local_settings(settings: Settings) -> Settings:
    """No AI service: the local model reads the lyrics."""
    return settings.model_copy(update={"model": settings.model.model_copy(update={"lyric_scorer": "local"})})


def test_the_local_model_scores_without_a_service_and_its_next_version_scores_anew(
    lake: Lake, local_settings: Settings, box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect(lake, box, tmp_path, listeners_of(box, "spotify")[0], "spotify")
    asked = Asked(streams=("spotify_plays", "lyrics", "lyric_scores"))
    assert fetched(lake, local_settings, box, asked).outcome.status == "ok"
    assert box.requests.count(service="ai") == 0
    scores = lake.read("bronze.lyric_scores")
    told = scores.where("NOT is_instrumental").collect()
    assert {row["model_version"] for row in told} == {LyricMood().version}
    assert {row["_source"] for row in told} == {"local"}
    assert all(row["language"] == "en" and row["happy"] is not None for row in told)
    instrumental = scores.where("is_instrumental").count()
    assert instrumental + len(told) == lake.read("bronze.lyrics").count()

    version = lake.version("bronze.lyric_scores")
    assert fetched(lake, local_settings, box, asked).counts.stored["bronze.lyric_scores"] == 0
    assert lake.version("bronze.lyric_scores") == version

    monkeypatch.setattr(lyric_mood, "RULES", lyric_mood.RULES + 1)
    again = fetched(lake, local_settings, box, asked)
    assert again.counts.stored["bronze.lyric_scores"] == len(told)


def test_a_text_that_the_local_model_stumbles_over_costs_itself_alone_and_is_not_told(
    lake: Lake,
    local_settings: Settings,
    box: Sandbox,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    connect(lake, box, tmp_path, listeners_of(box, "spotify")[0], "spotify")
    fetched(lake, local_settings, box, Asked(streams=("spotify_plays", "lyrics")))
    texts = [json.loads(row["payload"])["text"] for row in lake.read("bronze.lyrics").collect()]
    bad = next(text for text in texts if text)
    score = LyricMood.score

    def stumbling(self: LyricMood, text: str) -> lyric_mood.Score:
        if text == bad:
            raise ValueError(text)
        return score(self, text)

    monkeypatch.setattr(LyricMood, "score", stumbling)
    report = fetched(lake, local_settings, box, Asked(streams=("lyric_scores",)))
    assert report.outcome.messages == ["lyric_scores from local: failed, ValueError"]
    assert lake.read("bronze.lyric_scores").count() == len(texts) - texts.count(bad)
    told = capsys.readouterr()
    assert bad.splitlines()[0] not in told.out + told.err


def test_the_text_of_lyrics_goes_after_its_time_and_the_score_stays(
    lake: Lake, local_settings: Settings, box: Sandbox, tmp_path: Path
) -> None:
    connect(lake, box, tmp_path, listeners_of(box, "spotify")[0], "spotify")
    asked = Asked(streams=("spotify_plays", "lyrics", "lyric_scores"))
    fetched(lake, local_settings, box, asked)
    scores = lake.read("bronze.lyric_scores").count()
    has_text = "get_json_object(payload, '$.text') IS NOT NULL"
    assert lake.read("bronze.lyrics").where(has_text).count() > 0
    few_days = local_settings.ingest.model_copy(update={"lyrics_days": local_settings.ingest.unknown_days - 1})
    settings = local_settings.model_copy(update={"ingest": few_days})
    box.clock.set(NOW + timedelta(days=few_days.lyrics_days, minutes=1), frozen=True)
    before = box.requests.count(service="lrclib")
    assert fetched(lake, settings, box, Asked(streams=("lyrics", "lyric_scores"))).outcome.status == "ok"
    lyrics = lake.read("bronze.lyrics")
    assert lyrics.where(has_text).count() == 0
    assert lyrics.where("get_json_object(payload, '$.lyrics_source') IS NULL").count() == 0
    assert lake.read("bronze.lyric_scores").count() == scores
    version = lake.version("bronze.lyrics")
    fetched(lake, settings, box, Asked(streams=("lyrics", "lyric_scores")))
    assert lake.version("bronze.lyrics") == version
    assert box.requests.count(service="lrclib") == before, "a text that expired was asked for again"


def test_the_charts_of_a_genre_fill_all_of_beatports_streams(
    lake: Lake, box: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment(box, tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("BEATPORT_GENRE_IDS", "5")
    monkeypatch.setenv("BEATPORT_SPACING_SECONDS", "0.001")
    settings = load_settings()
    streams = tuple(f"beatport_{kind}" for kind in ("genres", "charts", "tracks", "releases", "artists", "labels"))
    report = fetched(lake, settings, box, Asked(streams=streams))
    assert report.outcome.status == "ok", [str(result.error) for result in report.troubles]
    assert all(report.counts.stored[f"bronze.{stream}"] > 0 for stream in streams), report.counts.stored
    assert fetched(lake, settings, box, Asked(streams=streams)).counts.stored.total() == 0


def test_a_loved_track_that_is_loved_no_more_is_gone(
    lake: Lake, settings: Settings, box: Sandbox, tmp_path: Path
) -> None:
    user = listeners_of(box, "lastfm")[0]
    connect(lake, box, tmp_path, user, "lastfm")
    fetched(lake, settings, box, Asked(streams=("lastfm_loved_tracks",)))
    loved = lake.read("bronze.lastfm_loved_tracks")
    count = loved.count()
    assert count > 0
    stale = loved.limit(1).withColumn("event_id", F.lit("0" * 32))
    stale.write.format("delta").mode("append").save(lake.path("bronze.lastfm_loved_tracks"))
    report = fetched(lake, settings, box, Asked(streams=("lastfm_loved_tracks",)))
    assert report.counts.stored["bronze.lastfm_loved_tracks"] == 1
    assert lake.read("bronze.lastfm_loved_tracks").count() == count
