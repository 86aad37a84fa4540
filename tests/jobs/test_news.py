"""News of every kind reaches what hangs on it the same night, and leaves a lake as a rebuild would make it.

Each story is of a listener and songs of its own; all are told over one lake, and a night falls where they yield.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
from pyspark.sql import Row

from jobs.identities import decide_pair, pairs
from jobs.moods import record
from jobs.people import UserSettings, set_users
from jobs.runtime.errors import UsageError
from jobs.runtime.lake import Lake
from jobs.runtime.settings import LakeSettings, RunSettings, Settings
from tests import worlds
from tests.lakes import NOW, business_rows, dead_tracks, import_catalogue, import_plays, run, store, store_scores

FIRST_NIGHT = date(2026, 10, 1)
NIGHTS = (FIRST_NIGHT, FIRST_NIGHT, FIRST_NIGHT, FIRST_NIGHT + timedelta(days=8))
LONG_AGO = datetime(2014, 5, 1, 12)  # noqa: DTZ001 (plays are written as naive UTC)
LATELY = datetime(2026, 9, 1)  # noqa: DTZ001


@dataclass
class World:
    """A lake, and what the next night finds that nobody imported yet."""

    lake: Lake
    songs: list[worlds.Song] = field(default_factory=list)
    plays: list[worlds.Play] = field(default_factory=list)

    def rows(self, table: str, of: str) -> list[Row]:
        """The rows that a condition chooses."""
        return self.lake.read(table).where(of).collect()

    def listens(self, user: str) -> list[Row]:
        """The listens of one user, by time."""
        return self.lake.read("silver.listens").where(self.of(user)).orderBy("played_at").collect()

    def of(self, user: str) -> str:
        """The condition that chooses the rows of one user."""
        return f"user_id = '{self.lake.pseudonym(user)}'"

    def changes(self, table: str, of: str, *, since: int | None) -> int:
        """How many rows that a condition chooses were changed after a version."""
        now = self.lake.version(table)
        assert since is not None
        assert now is not None
        return 0 if now == since else self.lake.read_changes(table, since + 1, now).where(of).count()


Story = Callable[[World], Iterator[None]]


def a_reported_mood_reaches_its_day_and_falls_out_of_the_periods(world: World) -> Iterator[None]:
    """Of a listener who hears nothing: only the entry can touch them."""
    lake, ash = world.lake, world.of("ash")
    evening = datetime(2026, 9, 30, 22, 30)  # noqa: DTZ001

    def profile(period: str) -> tuple[str, float | None, int]:
        (row,) = world.rows("gold.user_mood_profiles", f"period = '{period}' AND {ash}")
        return row["status"], row["sad"], row["entry_count"]

    def entry_days() -> dict[str, tuple[float, int]]:
        rows = world.rows("gold.user_mood_days", f"entry_count > 0 AND {ash}")
        return {str(row["mood_date"]): (row["sad"], row["listen_count"]) for row in rows}

    world.plays.append(worlds.Play("ash", LONG_AGO, worlds.Song("Ash", "Once", worlds.spotify_id(1))))
    yield
    record(lake, "ash", {"sad": 0.5, "relaxed": 0.5}, at=evening, now=NOW)
    set_users(lake, [UserSettings("ash", time_zone="Asia/Tokyo")])
    record(lake, "ash", {"sad": 1.0}, at=evening.replace(day=29), note="first words", now=NOW)
    yield
    assert entry_days() == {"2026-10-01": (0.5, 0), "2026-09-29": (1.0, 0)}  # 22:30 in Tokyo is no other day
    assert profile("7d") == profile("current")[:1] + profile("7d")[1:] == ("ok", 0.75, 2)

    before = lake.version("gold.user_mood_days")
    record(lake, "ash", {"sad": 1.0}, at=evening.replace(day=29), note="other words", now=NOW)
    yield
    assert world.changes("gold.user_mood_days", ash, since=before) == 0
    assert "other words" in {row["note"] for row in world.rows("silver.mood_entries", ash)}
    yield
    assert profile("7d") == ("too_few_plays", None, 0)
    assert profile("30d") == ("ok", 0.75, 2)


def a_late_play_is_in_tonights_gold_and_joins_two_sessions(world: World) -> Iterator[None]:
    song = worlds.Song("Birch", "Late", worlds.spotify_id(2))
    world.songs.append(song)
    world.plays += [worlds.Play("birch", LONG_AGO + timedelta(minutes=m), song) for m in (0, 50)]
    yield
    assert len({row["session_id"] for row in world.listens("birch")}) == 2

    world.plays.append(worlds.Play("birch", LONG_AGO + timedelta(minutes=25), song))
    yield
    assert len({row["session_id"] for row in world.listens("birch")}) == 1
    (profile,) = world.rows("gold.user_mood_profiles", f"period = 'all' AND {world.of('birch')}")
    assert profile["listen_count"] == 3


def a_feed_that_arrives_later_replaces_the_listen_and_touches_both_days(world: World) -> Iterator[None]:
    lake, cedar = world.lake, world.of("cedar")
    song = worlds.Song("Cedar", "Midnight", worlds.spotify_id(3))
    at = datetime(2014, 5, 1, 23, 59, 50)  # noqa: DTZ001
    scrobbled = [worlds.Play("cedar", at + timedelta(minutes=m), song, None) for m in (0, 40)]
    world.plays += scrobbled
    yield
    old = world.listens("cedar")[0]
    exported = [
        worlds.export_line(replace(play, at=play.at + timedelta(seconds=20), ms_played=200_000)) for play in scrobbled
    ]
    store(lake, "bronze.spotify_export_plays", "spotify_extended", exported, user_id=lake.pseudonym("cedar"))
    yield
    listens = world.listens("cedar")
    assert [(row["source"], row["merged_sources"], row["record_count"], row["ms_played"]) for row in listens] == [
        ("spotify_extended", ["csv:diary", "spotify_extended"], 2, 200_000)
    ] * 2
    assert (str(old["listen_date"]), str(listens[0]["listen_date"])) == ("2014-05-01", "2014-05-02")
    days = {str(row["listen_date"]): row["listen_count"] for row in world.rows("silver.user_track_days", cedar)}
    assert days == {"2014-05-02": 2}
    members = {row["event_id"]: row["listen_id"] for row in world.rows("silver.listen_members", cedar)}
    assert members.keys() == {m["event_id"] for row in listens for m in row["members"]}
    assert set(members.values()) == {row["listen_id"] for row in listens}


def a_change_of_a_members_track_reaches_its_listen(world: World) -> Iterator[None]:
    """A song and its edit, heard at one moment, are one listen; a catalogue with the song moves its record alone."""
    lake = world.lake
    song = worlds.Song("Dogwood", "Song", worlds.spotify_id(5))
    edit = worlds.Song("Dogwood", "Song - Edit", worlds.spotify_id(4))
    world.plays.append(worlds.Play("dogwood", LONG_AGO, song, None))
    exported = [worlds.export_line(worlds.Play("dogwood", LONG_AGO, edit))]
    store(lake, "bronze.spotify_export_plays", "spotify_extended", exported, user_id=lake.pseudonym("dogwood"))
    yield
    (before,) = world.listens("dogwood")
    assert (before["source"], before["record_count"]) == ("spotify_extended", 2)

    world.songs.append(song)
    yield
    (after,) = world.listens("dogwood")
    assert after["track_id"] == before["track_id"]
    moved = {member["source"]: member["track_id"] for member in after["members"]}
    assert moved["csv:diary"] != moved["spotify_extended"] == after["track_id"]


def a_heard_track_found_in_a_later_catalogue_moves_everywhere(world: World) -> Iterator[None]:
    elm = world.of("elm")
    heard = worlds.Song("mia", "Senal", None)
    world.plays += [worlds.Play("elm", LATELY + timedelta(days=day), heard) for day in range(12)]
    yield
    (heard_only,) = world.rows("silver.tracks", "track_name = 'Senal'")
    world.songs.append(worlds.Song("Mía", "Señal (feat. Guest)", worlds.spotify_id(7), valence=0.9, energy=0.9))
    yield
    assert world.rows("silver.tracks", "track_name = 'Senal'") == []
    (found,) = world.rows("silver.tracks", f"spotify_id = '{worlds.spotify_id(7)}'")
    assert found["track_id"] != heard_only["track_id"]
    (identity,) = world.rows("silver.track_identities", f"track_id = '{found['track_id']}'")
    assert (identity["match_method"], identity["replaced_by"]) == ("normalised", found["track_id"])
    for table in ("silver.listens", "silver.enriched_listens", "silver.user_track_days", "silver.user_tracks"):
        assert {row["track_id"] for row in world.rows(table, elm)} == {found["track_id"]}, table
    (profile,) = world.rows("gold.user_mood_profiles", f"period = 'all' AND {elm}")
    assert (profile["status"], profile["dominant_mood"]) == ("ok", "happy")


def decisions_merge_and_split(world: World) -> Iterator[None]:
    ours = worlds.Song("The Artists", "She Loves You So Much", worlds.spotify_id(9), valence=0.9, energy=0.9)
    near = worlds.Song("Artists", "He Loves You So Much", None)
    world.songs.append(ours)
    world.plays += [worlds.Play("maple", LATELY + timedelta(days=n), song) for n, song in enumerate((near, near, ours))]

    def tracks_heard() -> int:
        return len({row["track_id"] for row in world.rows("silver.user_tracks", world.of("maple"))})

    yield
    (pair,) = (pair for pair in pairs(world.lake) if "Artists" in pair.heard)
    assert (pair.heard, pair.catalogue) == ("Artists - He Loves You So Much", "The Artists - She Loves You So Much")
    assert tracks_heard() == 2
    for decision, count in (("accept", 1), ("reject", 2), ("accept", 1)):
        decide_pair(world.lake, pair.review_id, decision)
        yield
        assert tracks_heard() == count
        assert pair.review_id not in {pair.review_id for pair in pairs(world.lake)}
    with pytest.raises(UsageError, match="no pairs"):
        decide_pair(world.lake, "0" * 10, "accept")


def an_isrc_that_spotify_answers_merges_two_tracks(world: World) -> Iterator[None]:
    lake, oak = world.lake, world.of("oak")
    ours, named = worlds.Song("Utada", "Hikari", worlds.spotify_id(10)), worlds.Song("宇多田", "光", None)
    answer = worlds.spotify_track(ours)
    world.plays.append(worlds.Play("oak", LATELY, ours, with_id=True))
    listen = worlds.listen(worlds.Play("oak", LATELY + timedelta(days=1), named))
    listen["track_metadata"]["additional_info"] = {"isrc": answer["external_ids"]["isrc"]}
    store(lake, "bronze.listenbrainz_listens", "listenbrainz", [listen], user_id=lake.pseudonym("oak"))
    yield
    assert len(world.rows("silver.user_tracks", oak)) == 2

    store(lake, "bronze.spotify_tracks", "spotify", [answer], track_key=str(ours.spotify_id))
    yield
    (heard,) = world.rows("silver.user_tracks", oak)
    (track,) = world.rows("silver.tracks", f"track_id = '{heard['track_id']}'")
    assert (track["spotify_id"], track["isrc"]) == (ours.spotify_id, answer["external_ids"]["isrc"])


def an_answer_about_an_id_that_a_later_catalogue_has(world: World) -> Iterator[None]:
    """Nobody heard the id, and the catalogue does not have it yet; only the ISRC of the answer leads to it then."""
    lake = world.lake

    def track_heard() -> str:
        (listen,) = (row for row in world.listens("alder") if row["source"] == "listenbrainz")
        return str(listen["track_id"])

    world.plays.append(worlds.Play("alder", LONG_AGO, worlds.Song("Erle", "Anders", None)))
    ours, named = worlds.Song("Alder", "Ours", worlds.spotify_id(11)), worlds.Song("Erle", "Unser", None)
    answer = worlds.spotify_track(ours)
    store(lake, "bronze.spotify_tracks", "spotify", [answer], track_key=str(ours.spotify_id))
    listen = worlds.listen(worlds.Play("alder", LATELY, named))
    listen["track_metadata"]["additional_info"] = {"isrc": answer["external_ids"]["isrc"]}
    store(lake, "bronze.listenbrainz_listens", "listenbrainz", [listen], user_id=lake.pseudonym("alder"))
    yield
    heard_only = track_heard()
    world.songs.append(ours)
    yield
    (track,) = world.rows("silver.tracks", f"spotify_id = '{ours.spotify_id}'")
    assert track_heard() == track["track_id"] != heard_only


def late_metadata_and_love_reach_the_tables(world: World) -> Iterator[None]:
    lake = world.lake
    song = worlds.Song("Fir", "Loved", None)
    first, second = (worlds.Play("fir", LATELY + timedelta(days=day), song) for day in (0, 1))
    world.plays.append(worlds.Play("fir", first.at, worlds.Song("Fir", "Other", None)))
    fir = {"user_id": lake.pseudonym("fir")}

    def scrobbled(*albums: str) -> None:
        rows = [worlds.scrobble(p, loved=False, album=a) for p, a in zip((first, second), albums, strict=True)]
        store(lake, "bronze.lastfm_scrobbles", "lastfm", rows, **fir)

    def loved(*plays: worlds.Play) -> None:
        rows = [worlds.scrobble(play, loved=True, album="") for play in plays]
        store(lake, "bronze.lastfm_loved_tracks", "lastfm", rows, snapshot=True, **fir)

    def love_and_album() -> tuple[list[bool], str]:
        listens = [row for row in world.listens("fir") if row["source"] == "lastfm"]
        (identity,) = world.rows("silver.track_identities", "source = 'lastfm' AND track_name = 'Loved'")
        return [row["is_loved"] for row in listens], identity["album_name"]

    scrobbled("Zoo", "Zoo")
    yield
    assert love_and_album() == ([False, False], "Zoo")

    scrobbled("Zoo", "Homogenic")  # smaller than what it was: a fold must not keep the larger
    loved(first)
    before = lake.version("silver.listens")
    yield
    assert love_and_album() == ([True, True], "Homogenic")
    assert world.changes("silver.listens", world.of("fir"), since=before)

    loved()
    yield
    assert love_and_album() == ([False, False], "Homogenic")


def an_answer_about_features_reaches_every_track_of_its_key(world: World) -> Iterator[None]:
    lake, hazel = world.lake, world.of("hazel")
    song = worlds.Song("Björk", "Jóga", worlds.spotify_id(8))
    world.plays.append(worlds.Play("hazel", LATELY, song, with_id=True))
    yield
    (before,) = world.rows("silver.enriched_listens", hazel)
    (track,) = world.rows("silver.tracks", f"track_id = '{before['track_id']}'")
    assert (before["feature_source"], track["track_key"]) == ("none", song.spotify_id)

    asked = {"track_key": str(song.spotify_id)}
    store(lake, "bronze.audio_features", "reccobeats", [{"valence": 0.9, "energy": 0.8}], **asked)
    store(lake, "bronze.spotify_tracks", "spotify", [worlds.spotify_track(song)], **asked)
    yield
    (after,) = world.rows("silver.enriched_listens", hazel)
    (track,) = world.rows("silver.tracks", f"track_id = '{after['track_id']}'")
    assert (after["feature_source"], after["feature_confidence"], after["valence"]) == ("reccobeats", 0.9, 0.9)
    assert (track["artist_names"], track["release_date"]) == (["Björk", "Guest"], date(1999, 5, 1))


def a_score_of_lyrics_reaches_the_tracks_of_its_song(world: World) -> Iterator[None]:
    lake = world.lake
    world.plays.append(worlds.Play("juniper", LATELY, worlds.Song("Juniper", "Words", None)))
    yield
    (identity,) = world.rows("silver.track_identities", "track_name = 'Words'")
    assert lake.read("silver.lyric_moods").isEmpty()
    scored = {"track_key": identity["song_key"], "happy": 0.1, "angry": 0.1, "sad": 0.7, "relaxed": 0.1}
    store_scores(lake, scored)
    yield
    (words,) = lake.read("silver.lyric_moods").collect()
    assert (words["track_id"], words["sad"]) == (identity["track_id"], 0.7)

    before = lake.version("silver.lyric_moods")
    store_scores(lake, {"track_key": "of a song that nobody heard", "lyrics_hash": "other"})
    yield
    assert lake.version("silver.lyric_moods") == before


def beatports_tempo_reaches_a_track_and_goes_to_its_next(world: World) -> Iterator[None]:
    song = worlds.Song("Larch", "Tempo", None)
    world.plays.append(worlds.Play("larch", LATELY, song))
    yield
    for bpm in (90, 92):
        store(world.lake, "bronze.beatport_tracks", "beatport", [worlds.beatport_track(song, bpm=bpm)])
        yield
        (listen,) = world.rows("silver.enriched_listens", world.of("larch"))
        assert (listen["tempo_bpm"], listen["key"], listen["feature_source"]) == (bpm, 9, "none")


STORIES: tuple[Story, ...] = (
    a_reported_mood_reaches_its_day_and_falls_out_of_the_periods,
    a_late_play_is_in_tonights_gold_and_joins_two_sessions,
    a_feed_that_arrives_later_replaces_the_listen_and_touches_both_days,
    a_change_of_a_members_track_reaches_its_listen,
    a_heard_track_found_in_a_later_catalogue_moves_everywhere,
    decisions_merge_and_split,
    an_isrc_that_spotify_answers_merges_two_tracks,
    an_answer_about_an_id_that_a_later_catalogue_has,
    late_metadata_and_love_reach_the_tables,
    an_answer_about_features_reaches_every_track_of_its_key,
    a_score_of_lyrics_reaches_the_tracks_of_its_song,
    beatports_tempo_reaches_a_track_and_goes_to_its_next,
)


def test_news_of_every_kind(lake: Lake, tmp_path: Path, subtests: pytest.Subtests) -> None:
    settings = Settings(lake=LakeSettings(root=lake.root), run=RunSettings(full_above_share=1.0))
    world = World(lake)
    stories = {story.__name__: story(world) for story in STORIES}

    def go_on() -> None:
        for name, story in list(stories.items()):
            with subtests.test(story=name):
                try:
                    next(story)
                except StopIteration:
                    del stories[name]

    for before, night in zip((None, *NIGHTS), NIGHTS, strict=False):
        go_on()
        import_plays(lake, settings, tmp_path, world.plays)
        import_catalogue(lake, settings, tmp_path, world.songs)
        outcomes = run(lake, settings, night)
        messages = [message for outcome in outcomes for message in outcome.messages]
        assert before != night or messages == [], "news of one date made a table anew"
        assert dead_tracks(lake) == {}
    go_on()
    assert stories == {}, "stories that were never told to their end"

    incremental = business_rows(lake, NIGHTS[-1])
    run(lake, settings, NIGHTS[-1], full=True)
    rebuilt = business_rows(lake, NIGHTS[-1])
    for table, rows in rebuilt.items():
        assert incremental[table] == rows, table
