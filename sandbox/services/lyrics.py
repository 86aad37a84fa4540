"""lrclib.net (/lrclib/api/...) and api.lyrics.ovh (/lyricsovh/v1/...): lyrics that the songwriter made up."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from flask import Blueprint, Response, request

from sandbox.catalogue import Track
from sandbox.services.library import fold
from sandbox.services.songwriter import is_instrumental, is_known_to, lyrics, synced
from sandbox.services.state import State, fault, reply

Body = dict[str, Any]

LRCLIB_SHARE = 0.75  # of all tracks
LYRICSOVH_SHARE = 0.5
UNSYNCED_SHARE = 0.3  # of LRCLIB's lyrics: plain only
TOLERANCE_SECONDS = 2  # of the duration
LONGEST_SECONDS = 3600
SEARCH_RESULTS = 20


class Lrclib:
    name = "lrclib"

    def __init__(self, state: State) -> None:
        self._state = state

    def blueprint(self) -> Blueprint:
        routes = Blueprint(self.name, __name__, url_prefix=f"/{self.name}/api")
        routes.add_url_rule("/get", "get", self.get)
        routes.add_url_rule("/get/<int:id_>", "get/id", self.get_by_id)
        routes.add_url_rule("/search", "search", self.search)
        return routes

    def identify(self) -> tuple[str | None, str]:
        return None, (request.endpoint or "").partition(".")[2]

    def admit(self) -> Response | None:
        if "Lrclib-Client" not in request.headers:
            self._state.expect_user_agent()
        return None

    def _missing(self) -> Response:
        body = {"message": "Failed to find specified track", "name": "TrackNotFound", "statusCode": 404}
        return reply(body, 404)

    def _invalid(self, message: str) -> Response:
        self._state.violate("parameter", message)
        return reply({"message": message, "name": "ValidationError", "statusCode": 400}, 400)

    def get(self) -> Response:
        self._state.parameters(("track_name", "artist_name", "album_name", "duration"))
        sent = request.args
        if not sent.get("track_name") or not sent.get("artist_name"):
            return self._invalid("track_name and artist_name are required")
        try:
            seconds = float(sent["duration"]) if "duration" in sent else None
        except ValueError:
            seconds = 0.0
        if seconds is not None and not 1 <= seconds <= LONGEST_SECONDS:
            return self._invalid(f"duration must be within 1..{LONGEST_SECONDS}")
        track = self._state.library.by_words.get((fold(sent["artist_name"]), fold(sent["track_name"])))
        if track is None or not is_known_to(self.name, track, LRCLIB_SHARE) or fault("lrclib.not_found"):
            return self._missing()
        if seconds is not None and abs(seconds - track.duration_ms / 1000) > TOLERANCE_SECONDS:
            return self._missing()
        albums = {fold(release.album) for release in track.releases}
        if "album_name" in sent and fold(sent["album_name"]) not in albums:
            return self._missing()
        return reply(self._body(track))

    def get_by_id(self, id_: int) -> Response:
        self._state.parameters(())
        tracks = self._state.library.tracks
        known = 1 <= id_ <= len(tracks) and is_known_to(self.name, tracks[id_ - 1], LRCLIB_SHARE)
        return reply(self._body(tracks[id_ - 1])) if known and not fault("lrclib.not_found") else self._missing()

    def search(self) -> Response:
        self._state.parameters(("q", "track_name", "artist_name", "album_name"))
        sent = request.args
        words = sent.get("q") or f"{sent.get('track_name', '')} {sent.get('artist_name', '')}".strip()
        if not words:
            return self._invalid("q or track_name is required")
        found = [track for track, _ in self._state.library.search(words) if is_known_to(self.name, track, LRCLIB_SHARE)]
        return reply([self._body(track) for track in found[:SEARCH_RESULTS]])

    def _body(self, track: Track) -> Body:
        silent = is_instrumental(track) or fault("lrclib.instrumental")
        text = None if silent or fault("lrclib.null_lyrics") else lyrics(track)
        timed = text is not None and not is_known_to("unsynced", track, UNSYNCED_SHARE)
        return {
            "id": self._state.library.numbers[track.isrc] + 1,
            "name": track.title,
            "trackName": track.title,
            "artistName": track.artist.name,
            "albumName": track.releases[0].album,
            "duration": round(track.duration_ms / 1000, 1),
            "instrumental": silent,
            "plainLyrics": text,
            "syncedLyrics": synced(text, track.duration_ms) if text and timed else None,
        }


class LyricsOvh:
    name = "lyricsovh"

    def __init__(self, state: State) -> None:
        self._state = state

    def blueprint(self) -> Blueprint:
        routes = Blueprint(self.name, __name__, url_prefix=f"/{self.name}/v1")
        routes.add_url_rule("/<path:rest>", "lyrics", self.lyrics)
        return routes

    def identify(self) -> tuple[str | None, str]:
        return None, "lyrics"

    def admit(self) -> Response | None:
        return None

    def lyrics(self, rest: str) -> Response:  # noqa: ARG002 (Flask hands over the decoded path; see below)
        self._state.parameters(())
        # The path as it was sent: decoded, a slash inside a name would look like the one between the names.
        raw = request.environ["RAW_URI"].partition("?")[0]
        parts = [unquote(part) for part in raw.partition("/v1/")[2].split("/")]
        if len(parts) != 2 or not all(part.strip() for part in parts):
            self._state.violate("parameter", "the path is not {artist}/{title}, each encoded")
            return reply({"error": "Artist or title missing"}, 400)
        track = self._state.library.by_words.get((fold(parts[0]), fold(parts[1])))
        known = track is not None and not is_instrumental(track) and is_known_to(self.name, track, LYRICSOVH_SHARE)
        if track is None or not known or fault("lyricsovh.not_found"):
            return reply({"error": "No lyrics found"}, 404)
        return reply({"lyrics": "" if fault("lyricsovh.empty") else lyrics(track)})
