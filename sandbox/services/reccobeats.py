"""api.reccobeats.com: audio features by a model of its own, for most tracks, in an order of its own."""

from __future__ import annotations

import math
from random import Random
from typing import Any

from flask import Blueprint, Response, request

from sandbox.catalogue import Track
from sandbox.services.library import chance, recco_id, stable_uuid
from sandbox.services.state import State, fault, options, reply

Body = dict[str, Any]

IDS = 40  # per call
KNOWN_SHARE = 0.85  # of all tracks
KEYLESS_SHARE = 0.03  # of the known ones: key -1
MODEL_ERROR = 0.02  # standard deviation of a feature from the catalogue's; they are another model's
FAR_ERROR = 0.25  # with reccobeats.drifted
UNIT_FEATURES = (
    "acousticness", "danceability", "energy", "instrumentalness", "liveness", "speechiness", "valence",
)  # fmt: skip


class ReccoBeats:
    name = "reccobeats"

    def __init__(self, state: State) -> None:
        self._state = state

    def blueprint(self) -> Blueprint:
        routes = Blueprint(self.name, __name__, url_prefix=f"/{self.name}/v1")
        routes.add_url_rule("/audio-features", "audio-features", self.audio_features)
        routes.add_url_rule("/track", "track", self.tracks)
        return routes

    def identify(self) -> tuple[str | None, str]:
        return None, (request.endpoint or "").partition(".")[2]

    def admit(self) -> Response | None:
        rate = options("reccobeats.rate")
        wait = rate["seconds"] if rate else self._state.limiter.take(self.name, "address")
        if wait is None:
            return None
        if not rate:
            self._state.violate("limit", "more requests than the window takes")
        headers = {"Retry-After": str(math.ceil(wait))}
        return reply({"status": 429, "error": "Too Many Requests", "path": request.path}, 429, headers)

    def _asked(self) -> list[tuple[str, Track]] | Response:
        """(Spotify id, track) of the ids that it knows, in its own order."""
        self._state.parameters(("ids",))
        ids = [id_ for id_ in request.args.get("ids", "").split(",") if id_]
        if not 1 <= len(ids) <= IDS:
            self._state.violate("parameter", f"{len(ids)} ids, not 1..{IDS}")
            message = f"size of ids must be between 1 and {IDS}"
            return reply({"status": 400, "error": "Bad Request", "message": message, "path": request.path}, 400)
        found: list[tuple[str, Track]] = []
        library = self._state.library
        for id_ in dict.fromkeys(ids):
            pair = library.by_spotify_id.get(id_)
            track = pair[0] if pair else library.by_isrc.get(id_) or library.by_recco_id.get(id_)
            if track and self.knows(track):
                found.append((id_ if pair else track.releases[0].track_id, track))
        if fault("reccobeats.missing"):
            found = [pair for number, pair in enumerate(found) if number % 3]
        if fault("reccobeats.reordered"):
            return found[::-1]
        return sorted(found, key=lambda pair: recco_id(pair[1]))

    def knows(self, track: Track) -> bool:
        return chance("reccobeats", track.isrc) < KNOWN_SHARE

    def audio_features(self) -> Response:
        found = self._asked()
        if isinstance(found, Response):
            return found
        return reply({"content": [self._features(id_, track) for id_, track in found]})

    def _features(self, spotify_id: str, track: Track) -> Body:
        rng = Random(f"reccobeats/{track.isrc}")
        error = FAR_ERROR if fault("reccobeats.drifted") else MODEL_ERROR
        f = track.features
        body: Body = {
            "id": recco_id(track),
            "href": f"https://open.spotify.com/track/{spotify_id}",
            "isrc": track.isrc,
        }
        for name in UNIT_FEATURES:
            body[name] = round(min(1.0, max(0.0, getattr(f, name) + rng.gauss(0, error))), 4)
        keyless = fault("reccobeats.key_unknown") or rng.random() < KEYLESS_SHARE
        return body | {
            "key": -1 if keyless else f.key,
            "loudness": round(f.loudness + rng.gauss(0, 0.3), 3),
            "mode": f.mode,
            "tempo": round(f.tempo + rng.gauss(0, 0.2), 3),
        }

    def tracks(self) -> Response:
        found = self._asked()
        if isinstance(found, Response):
            return found
        return reply({"content": [self._track(id_, track) for id_, track in found]})

    def _track(self, spotify_id: str, track: Track) -> Body:
        artists = [
            {"id": stable_uuid("reccobeats", name), "name": name, "href": None}
            for name in (track.artist.name, *track.guests)
        ]
        return {
            "id": recco_id(track),
            "trackTitle": track.title,
            "artists": artists,
            "durationMs": track.duration_ms,
            "isrc": track.isrc,
            "ean": None,
            "upc": None,
            "href": f"https://open.spotify.com/track/{spotify_id}",
            "availableCountries": "DE,GB,US",
            "popularity": track.releases[0].popularity,
        }
