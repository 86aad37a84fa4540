"""An identity that changes (a later catalogue, an answer of Spotify, a decision of a person) moves every table that
night, nothing else is decided anew, and no table keeps a track that is no more."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

import pytest
import structlog

from jobs.identities import decide_pair, pairs
from jobs.runtime.errors import UsageError
from jobs.runtime.lake import Lake
from jobs.runtime.settings import LakeSettings, RunSettings, Settings
from tests import worlds
from tests.lakes import business_rows, dead_tracks, import_catalogue, import_plays, run, store

NIGHT = date(2026, 10, 1)
DAY = datetime(2026, 9, 1)  # noqa: DTZ001 (plays are written as naive UTC)

OURS = worlds.Song("The Artists", "She Loves You So Much", worlds.spotify_id(1), valence=0.9, energy=0.9)
NEAR = worlds.Song("Artists", "He Loves You So Much", None)
MISSPELT, FOUND = (
    worlds.Song("Cristian Castro", "Azul", None),
    worlds.Song("Christian Castro", "Azul", worlds.spotify_id(2)),
)
OTHERS = [worlds.Song(f"Artist {n}", "Song", None) for n in range(8)]
ASKED, NAMED = worlds.Song("Utada", "Hikari", worlds.spotify_id(3)), worlds.Song("宇多田", "光", None)


def test_decisions_finds_and_answers_merge_and_split_tracks_that_night(lake: Lake, tmp_path: Path) -> None:
    settings = Settings(lake=LakeSettings(root=lake.root), run=RunSettings(full_above_share=1.0))
    answer = worlds.spotify_track(ASKED)
    import_catalogue(lake, settings, tmp_path, [OURS])
    plays = [worlds.Play("ash", DAY + timedelta(days=n), song) for n, song in enumerate((NEAR, NEAR, OURS))]
    plays += [worlds.Play("birch", DAY + timedelta(hours=n), song) for n, song in enumerate([MISSPELT, *OTHERS])]
    plays.append(worlds.Play("cedar", DAY, ASKED, with_id=True))
    import_plays(lake, settings, tmp_path, plays)
    listen = worlds.listen(worlds.Play("cedar", DAY + timedelta(days=1), NAMED))
    listen["track_metadata"]["additional_info"] = {"isrc": answer["external_ids"]["isrc"]}
    store(lake, "bronze.listenbrainz_listens", "listenbrainz", [listen], user_id=lake.pseudonym("cedar"))

    def decided() -> int:
        """A night, in which no table is built in full: how many keys are decided anew."""
        with structlog.testing.capture_logs() as logs:
            outcomes = run(lake, settings, NIGHT)
        assert not [message for outcome in outcomes for message in outcome.messages]
        assert dead_tracks(lake) == {}
        (keys,) = (entry["keys"] for entry in logs if entry["event"] == "decided anew")
        return int(keys)

    def heard(user: str) -> set[str]:
        rows = lake.read("silver.user_tracks").where(f"user_id = '{lake.pseudonym(user)}'").collect()
        return {row["track_id"] for row in rows}

    def methods() -> dict[str, str]:
        rows = lake.read("silver.track_identities").collect()
        return {row["artist_name"]: row["match_method"] for row in rows}

    run(lake, settings, NIGHT)
    (pair,) = pairs(lake)
    assert (pair.heard, pair.catalogue) == (
        "Artists - He Loves You So Much",
        "The Artists - She Loves You So Much",
    )
    assert (len(heard("ash")), len(heard("birch")), len(heard("cedar"))) == (2, 9, 2)
    assert methods()["Cristian Castro"] == "none"

    decide_pair(lake, pair.review_id, "accept")
    import_catalogue(lake, settings, tmp_path, [FOUND])
    store(lake, "bronze.spotify_tracks", "spotify", [answer], track_key=str(ASKED.spotify_id))
    assert decided() == 4, "the pair's key, the misspelt artist's, and the two of one ISRC"
    assert (len(heard("ash")), len(heard("birch")), len(heard("cedar"))) == (1, 9, 1)
    found = methods()
    assert (found["Cristian Castro"], found["Artists"], found["宇多田"]) == ("letters", "reviewed", "none")
    (track,) = lake.read("silver.tracks").where("track_name = 'Hikari'").collect()
    assert (track["spotify_id"], track["isrc"]) == (ASKED.spotify_id, answer["external_ids"]["isrc"])
    assert pairs(lake) == []

    for decision, count in (("reject", 2), ("accept", 1)):
        decide_pair(lake, pair.review_id, decision)
        assert (decided(), len(heard("ash"))) == (1, count)
        assert pairs(lake) == []
    incremental = business_rows(lake, NIGHT)
    run(lake, settings, NIGHT, full=True)
    assert business_rows(lake, NIGHT) == incremental
    with pytest.raises(UsageError, match="no pairs"):
        decide_pair(lake, "0" * 10, "accept")
