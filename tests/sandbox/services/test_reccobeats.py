"""ReccoBeats: most tracks, by any kind of id, in an order of its own."""

from __future__ import annotations

import pytest
import requests

from sandbox.services.limits import Limit
from sandbox.services.server import Sandbox
from sandbox.world import World
from tests.sandbox.services.calling import kinds


def features(box: Sandbox, ids: list[str], path: str = "audio-features") -> requests.Response:
    return requests.get(f"{box.url('reccobeats')}/v1/{path}", params={"ids": ",".join(ids)}, timeout=5)


def test_most_tracks_are_known_near_the_catalogues_values(box: Sandbox, world: World) -> None:
    tracks = world.tracks[:40]
    asked = [track.releases[0].track_id for track in tracks]
    content = features(box, asked).json()["content"]
    known = [item["href"].rpartition("/")[2] for item in content]
    assert 25 < len(known) < 40
    assert set(known) < set(asked)
    assert known != [id_ for id_ in asked if id_ in known]  # its own order
    by_id = dict(zip(asked, tracks, strict=True))
    for item in content:
        truth = by_id[item["href"].rpartition("/")[2]].features
        assert item["valence"] == pytest.approx(truth.valence, abs=0.1)
        assert "time_signature" not in item
    assert any(item["valence"] != by_id[id_].features.valence for item, id_ in zip(content, known, strict=True))


def test_isrc_and_own_ids_work_too(box: Sandbox, world: World) -> None:
    isrcs = [track.isrc for track in world.tracks[:20]]
    by_isrc = features(box, isrcs).json()["content"]
    own = [item["id"] for item in by_isrc]
    assert features(box, own).json()["content"] == by_isrc
    tracks = features(box, own, "track").json()["content"]
    assert [item["isrc"] for item in tracks] == [item["isrc"] for item in by_isrc]
    twin = next(track for track in world.tracks if len(track.releases) > 1)
    hrefs = {item["href"] for item in features(box, [r.track_id for r in twin.releases]).json()["content"]}
    assert hrefs in ({f"https://open.spotify.com/track/{r.track_id}" for r in twin.releases}, set())


def test_at_most_forty_ids(box: Sandbox) -> None:
    assert features(box, ["a"] * 41).status_code == 400
    assert features(box, []).status_code == 400
    assert kinds(box) == ["parameter", "parameter"]


def test_faults(box: Sandbox, world: World) -> None:
    ids = [track.releases[0].track_id for track in world.tracks[:40]]
    good = features(box, ids).json()["content"]
    box.faults.on("reccobeats.missing", times=1)
    assert len(features(box, ids).json()["content"]) < len(good)
    box.faults.on("reccobeats.reordered", times=1)
    order = [item["href"].rpartition("/")[2] for item in features(box, ids).json()["content"]]
    assert order == [id_ for id_ in reversed(ids) if id_ in order]
    box.faults.on("reccobeats.key_unknown", times=1)
    assert {item["key"] for item in features(box, ids).json()["content"]} == {-1}
    box.faults.on("reccobeats.drifted", times=1)
    far = features(box, ids).json()["content"]
    assert max(abs(one["valence"] - two["valence"]) for one, two in zip(good, far, strict=True)) > 0.2
    box.faults.on("reccobeats.rate", times=1, seconds=3)
    assert features(box, ids).headers["Retry-After"] == "3"
    box.limiter.limits["reccobeats"] = Limit(1, 60)
    assert features(box, ids).status_code == 429
    assert kinds(box) == ["limit"]
