"""Lists out of the tables: what each list leaves out, one edition of a song, reasons as data, cold starts, seeds."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest
from pyspark.sql import DataFrame, SparkSession

from schemas.gold.recommendations import CONTRACT
from schemas.gold.track_similarities import CONTRACT as TRACK_SIMILARITIES
from schemas.gold.user_matches import CONTRACT as USER_MATCHES
from schemas.gold.user_mood_profiles import CONTRACT as USER_MOOD_PROFILES
from schemas.silver.catalogue_tracks import CONTRACT as CATALOGUE_TRACKS
from schemas.silver.track_features import CONTRACT as TRACK_FEATURES
from schemas.silver.track_feedback import CONTRACT as TRACK_FEEDBACK
from schemas.silver.track_identities import CONTRACT as TRACK_IDENTITIES
from schemas.silver.track_moods import CONTRACT as TRACK_MOODS
from schemas.silver.tracks import CONTRACT as TRACKS
from schemas.silver.user_tracks import CONTRACT as USER_TRACKS
from schemas.silver.users import CONTRACT as USERS
from schemas.vocab import MOODS, RECOMMENDATION_LISTS
from tests.rows import checked, make_rows
from transformations.gold.pruned_lists import heard_songs
from transformations.gold.recommendations import SOUND, Request, _lists, build, for_mood, nightly

AS_OF = date(2026, 10, 1)
NOON = datetime(2026, 10, 1, 12)  # noqa: DTZ001
ANN, BEN, NEW = "ann", "ben", "new"
# Twelve songs of four artists, three each: ice and fog are sad, sun and sea happy. fog-3 and all of sea were never
# heard; ice-1 has two editions.
SONGS = [f"{artist}-{n}" for artist in ("ice", "fog", "sun", "sea") for n in (1, 2, 3)]
EDITION = "ice-1-deluxe"
PLAYS: dict[str, dict[str, tuple[int, int, int]]] = {  # plays, of them skipped, days since the last
    ANN: {"ice-1": (9, 0, 100), "ice-2": (6, 0, 3), "fog-1": (4, 0, 2), "sun-1": (2, 2, 9)},
    BEN: {EDITION: (5, 0, 5), "fog-1": (7, 0, 4), "fog-2": (8, 0, 1), "sun-2": (3, 0, 2)},
}


def inputs(
    spark: SparkSession,
    *,
    said: dict[str, dict[str, bool]] | None = None,
    order: int = 1,
    **instead: list[dict[str, Any]],
) -> dict[str, DataFrame]:
    """A small world as tables; `instead` gives other rows of some."""
    tracks = [*SONGS, EDITION]
    is_sad = {track: track[:3] in ("ice", "fog") for track in tracks}
    rows: dict[str, list[dict[str, Any]]] = {
        "users": [{"user_id": user} for user in (ANN, BEN, NEW)],
        "user_tracks": [
            {
                "user_id": user,
                "track_id": track,
                "listen_count": plays,
                "skip_count": skips,
                "last_played_at": NOON - timedelta(days=ago),
            }
            for user, own in PLAYS.items()
            for track, (plays, skips, ago) in own.items()
        ],
        "tracks": [
            {
                "track_id": track,
                "artist_id": track[:3],
                "genres": ["dark" if is_sad[track] else "bright"],
                "popularity": 7 * n or None,
            }
            for n, track in enumerate(tracks)
        ],
        "track_identities": [
            {"source_track_key": t, "track_id": t, "own_track_id": t, "song_key": t.removesuffix("-deluxe")}
            for t in tracks
        ],
        "catalogue_tracks": [],
        "track_features": [
            {"track_id": t, **dict.fromkeys(SOUND, 0.2 if is_sad[t] else 0.8), "tempo_bpm": 90.0} for t in tracks
        ],
        "track_moods": [
            {"track_id": t, "mood_confidence": 0.8}
            | dict(zip(MOODS, (0.05, 0.05, 0.8, 0.1) if is_sad[t] else (0.85, 0.05, 0.05, 0.05), strict=True))
            for t in tracks
        ],
        "track_feedback": [
            {"user_id": user, "track_id": track, "is_liked": is_liked}
            for user, words in (said or {}).items()
            for track, is_liked in words.items()
        ],
        "user_mood_profiles": [
            {"user_id": ANN, "period": "current", "happy": 0.7, "angry": 0.1, "sad": 0.1, "relaxed": 0.1},
            {"user_id": BEN, "period": "all", "happy": 0.7, "angry": 0.1, "sad": 0.1, "relaxed": 0.1},
        ],
        "user_matches": [
            {"user_id": one, "match_user_id": other, "score": 0.6} for one, other in ((ANN, BEN), (BEN, ANN))
        ],
        "track_similarities": [
            {"track_id": "ice-2", "similar_track_id": "fog-2", "score": 0.4, "session_score": 0.4},
            {"track_id": "fog-1", "similar_track_id": "fog-3", "score": 0.7, "sound_score": 0.7},
            {"track_id": EDITION, "similar_track_id": "ice-1", "score": 0.9, "sound_score": 0.9},
        ],
    } | instead
    contracts = {
        contract.name: contract
        for contract in (
            USERS, USER_TRACKS, TRACKS, TRACK_IDENTITIES, CATALOGUE_TRACKS, TRACK_FEATURES, TRACK_MOODS, TRACK_FEEDBACK,
            USER_MOOD_PROFILES, USER_MATCHES, TRACK_SIMILARITIES,
        )
    }  # fmt: skip
    return {name: make_rows(spark, contracts[name], *given[::order]) for name, given in rows.items()}


def lists(given: dict[str, DataFrame]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Rows by listener and list, in order of rank."""
    found: dict[tuple[str, str], list[dict[str, Any]]] = {}
    rows = checked(build(**given, as_of_date=AS_OF), CONTRACT)
    for row in sorted(rows, key=lambda row: (row["user_id"], row["list"], row["rank"])):
        found.setdefault((row["user_id"], row["list"]), []).append(row)
    for own in found.values():
        assert [row["rank"] for row in own] == list(range(1, len(own) + 1))
        artists = [row["track_id"][:3] for row in own]
        assert max(map(artists.count, artists)) <= 2
    return found


def tracks_of(rows: list[dict[str, Any]]) -> list[str]:
    return [row["track_id"] for row in rows]


def why(row: dict[str, Any]) -> dict[str, tuple[str | None, float]]:
    return {reason["kind"]: (reason["id"], reason["value"]) for reason in row["reasons"]}


@pytest.fixture(scope="module")
def found(spark: SparkSession) -> dict[tuple[str, str], list[dict[str, Any]]]:
    return lists(inputs(spark))


Lists = dict[tuple[str, str], list[dict[str, Any]]]


def test_what_is_for_you_was_never_heard_and_goes_to_the_artists_first(found: Lists) -> None:
    own = tracks_of(found[ANN, "for_you"])
    assert not set(own) & set(PLAYS[ANN])
    assert EDITION not in own  # who heard one edition has heard the song
    assert set(own[:3]) == {"ice-3", "fog-2", "fog-3"}
    assert {"sea-1", "sea-2", "sea-3"} & set(own)  # nobody here has heard any
    by_track = {row["track_id"]: why(row) for row in found[ANN, "for_you"]}
    assert by_track["fog-2"]["artist"] == ("fog", 4)
    assert by_track["fog-2"]["session"] == ("ice-2", 0.4)
    assert by_track["fog-3"]["sound"] == ("fog-1", 0.7)


def test_each_list_has_its_own_tracks_and_reasons(found: Lists) -> None:
    assert {name for user, name in found if user == ANN} == set(RECOMMENDATION_LISTS)
    (again,) = found[ANN, "rediscover"]
    assert again["track_id"] == "ice-1"  # of its editions the one heard most
    assert (why(again)["plays"], why(again)["days_ago"]) == ((None, 9), (None, 100))
    matched = found[ANN, "from_matches"]
    assert tracks_of(matched) == ["fog-2", "sun-2"]
    assert why(matched[0])["match"] == (BEN, 0.6)
    of_late = found[ANN, "current_mood"]
    assert {track[:3] for track in tracks_of(of_late)[:4]} == {"sun", "sea"}
    assert why(of_late[0])["mood"] == ("current_mood", pytest.approx(0.15))
    for mood, artists in (("sad", {"ice", "fog"}), ("happy", {"sun", "sea"})):
        assert {track[:3] for track in tracks_of(found[ANN, mood])[:4]} == artists
    assert (BEN, "current_mood") not in found  # nothing is known of how ben feels of late


def test_who_is_new_gets_what_is_known_and_moods(found: Lists) -> None:
    assert {name for user, name in found if user == NEW} == {"for_you", *MOODS}
    first = found[NEW, "for_you"][0]
    assert first["track_id"] == "fog-1"  # both of the others play it
    assert why(first)["listeners"] == (None, 2)
    unheard = next(row for row in found[NEW, "for_you"] if row["track_id"].startswith("sea"))
    assert why(unheard).keys() == {"popularity"}


def test_a_dislike_of_one_edition_outweighs_any_likes(spark: SparkSession) -> None:
    editions = ("ice-1", EDITION, "ice-2")
    identities = [
        {"source_track_key": t, "track_id": t, "own_track_id": t, "song_key": "ice" if t in editions else t}
        for t in (*SONGS, EDITION)
    ]
    said = {NEW: dict.fromkeys(editions[:2], True) | {"ice-2": False}}
    given = inputs(spark, said=said, track_identities=identities)
    for (user, name), rows in lists(given).items():
        assert user != NEW or not set(editions) & set(tracks_of(rows)), name
    places = spark.createDataFrame([(track, 0) for track in editions], "track_id string, place int")
    (judged,) = heard_songs(given, places, nightly(AS_OF)).where(f"user_id = '{NEW}'").collect()
    assert judged["verdict"] == -1


def test_what_was_said_of_tracks_shapes_the_lists(spark: SparkSession, found: Lists) -> None:
    said = {ANN: {"fog-2": False, "sea-1": True}, NEW: {"sea-2": True}, BEN: {EDITION: False}}
    told = lists(inputs(spark, said=said))
    for (user, name), rows in told.items():
        disliked = {track for track, is_liked in said[user].items() if not is_liked} | (
            {"ice-1"} if user == BEN else set()
        )
        assert not disliked & set(tracks_of(rows)), (user, name)
    liked = {row["track_id"]: row for row in told[ANN, "for_you"]}["sea-1"]
    assert why(liked)["liked"] == (None, 1)

    def best_of_sea(lists: Lists) -> float:
        return max(row["score"] for row in lists[NEW, "for_you"] if row["track_id"].startswith("sea"))

    assert best_of_sea(told) > 2 * best_of_sea(found)


def test_rows_in_another_order_and_parts_give_the_same(spark: SparkSession, found: Lists) -> None:
    given = {name: rows.repartition(3) for name, rows in inputs(spark, order=-1).items()}
    assert lists(given) == found


def test_without_tracks_or_listeners_there_is_nothing(spark: SparkSession) -> None:
    nothing: dict[str, list[dict[str, Any]]] = {"user_tracks": [], "user_matches": [], "track_similarities": []}
    assert lists(inputs(spark, users=[], user_mood_profiles=[], **nothing)) == {}
    bare = {"track_identities": [], "track_features": [], "track_moods": [], "user_mood_profiles": []}
    assert lists(inputs(spark, tracks=[], **bare, **nothing)) == {}
    known = lists(inputs(spark, **bare, **nothing))
    assert {name for _, name in known} == {"for_you"}


def test_any_mood_is_worked_out_for_one_listener(spark: SparkSession, found: Lists) -> None:
    rows = for_mood(ANN, {"sad": 1.0}, 3, inputs=inputs(spark), as_of_date=AS_OF).orderBy("rank").collect()
    assert [row["track_id"] for row in rows] == tracks_of(found[ANN, "sad"])[:3]
    assert [row["score"] for row in rows] == [row["score"] for row in found[ANN, "sad"][:3]]
    assert {(row["user_id"], row["list"]) for row in rows} == {(ANN, "custom")}


def gathered(order: int = 1) -> pd.DataFrame:
    """Rows as they come to one place: one listener of one song, and forty songs alike."""
    rows = [("user", "ann", None, 0.0, [], []), ("plays", "ann", "heard", 0.0, [3.0, 3.0, 1.0], [])]
    rows += [("track", name, f"by {name}", -1.0, [], []) for name in ("heard", *(f"t{n:02d}" for n in range(40)))]
    rows += [("mood", f"t{n:02d}", None, 0.5, [0.4, 0.3, 0.2, 0.1], []) for n in range(40)]
    return pd.DataFrame(rows[::order], columns=["kind", "left", "right", "weight", "numbers", "names"])


def test_a_seed_reproduces_a_list_and_decides_its_ties() -> None:
    def happy(seed: int, order: int = 1) -> list[str]:
        (made,) = _lists(gathered(order), request=Request(("happy",), 20, seed, AS_OF))
        rows = made.to_pandas()
        assert rows["score"].nunique() == 1
        return rows["track_id"].tolist()

    assert happy(1) == happy(1) == happy(1, order=-1)
    assert happy(1) != happy(2)
