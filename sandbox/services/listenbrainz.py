"""api.listenbrainz.org: listens, newest first, between bounds that exclude themselves; limits told in headers."""

from __future__ import annotations

import math
import threading
from typing import Any

from flask import Blueprint, Response, g, request

from sandbox.services.accounts import Person
from sandbox.services.history import Entry
from sandbox.services.library import album_id, artist_id, chance, stable_uuid
from sandbox.services.limits import SLACK
from sandbox.services.state import State, fault, options, plain, reply, show, whole

Body = dict[str, Any]

PAGE, LARGEST_PAGE = 25, 1000  # default and largest count; a larger one is clamped
TOO_MANY = (
    "You have exceeded your rate limit. See the X-RateLimit-* response headers for more information on your current "
    "rate limit."
)
BARE_SHARE = 0.2  # of the listens: artist and title only
ABSENT_SHARE, NULL_SHARE = 0.2, 0.2  # of the listens: no mbid_mapping, or null
MAPPED_LATE_SHARE = 0.3  # of the mapped ones: only after a day
DAY_MS = 86_400_000


def refuse(status: int, message: str) -> Response:
    return reply({"code": status, "error": message}, status)


class ListenBrainz:
    name = "listenbrainz"

    def __init__(self, state: State) -> None:
        self._state = state
        self._lock = threading.Lock()
        self._window = (0.0, 0)  # when the fixed window began, how many requests it has seen

    def blueprint(self) -> Blueprint:
        routes = Blueprint(self.name, __name__, url_prefix=f"/{self.name}/1")
        routes.add_url_rule("/user/<user>/listens", "listens", self.listens)
        routes.add_url_rule("/user/<user>/listen-count", "listen-count", self.listen_count)
        routes.add_url_rule("/validate-token", "validate-token", self.validate_token)
        routes.after_request(self._tell_limit)
        return routes

    def identify(self) -> tuple[str | None, str]:
        person = self._find() or self._state.people.by_token.get(self._token() or "")
        return person.user if person else None, (request.endpoint or "").partition(".")[2]

    def _find(self) -> Person | None:
        return self._state.people.find((request.view_args or {}).get("user", ""), self.name)

    def _token(self) -> str | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return token if scheme == "Token" else None

    def admit(self) -> Response | None:
        wait = self._count()
        if rate := options("listenbrainz.rate"):
            wait = rate["seconds"]
        elif wait is not None:
            self._state.violate("limit", "more requests than the window takes")
        if wait is not None:
            g.reset_in = math.ceil(wait)
            return plain(TOO_MANY, 429)
        header = request.headers.get("Authorization")
        if header is not None and self._token() is None:
            self._state.violate("header", "Authorization is not of the form Token UUID")
        if fault("listenbrainz.invalid_token") or (
            header is not None and self._token() not in self._state.people.by_token and g.endpoint != "validate-token"
        ):
            return refuse(401, "Invalid authorization token.")
        return None

    def _count(self) -> float | None:
        """Count the request in its fixed window (brainzutils/ratelimit.py); the seconds to wait, or None."""
        limit, now = self._state.limiter.limits.get(self.name), self._state.limiter.ticks()
        g.limit, g.left, g.reset_in = (limit.requests, 0, 0) if limit else (0, 0, 0)
        if limit is None:
            return None
        with self._lock:
            begun, seen = self._window
            if now - begun >= limit.seconds * SLACK:
                begun, seen = now, 0
            self._window = (begun, seen + 1)
        g.left = max(0, limit.requests - seen - 1)
        g.reset_in = max(1, math.ceil(limit.seconds - (now - begun)))
        return limit.seconds - (now - begun) if seen >= limit.requests else None

    def _tell_limit(self, response: Response) -> Response:
        if "limit" in g:
            response.headers["X-RateLimit-Limit"] = str(g.limit)
            response.headers["X-RateLimit-Remaining"] = str(0 if response.status_code == 429 else g.left)
            response.headers["X-RateLimit-Reset-In"] = str(g.reset_in)
            response.headers["X-RateLimit-Reset"] = str(self._state.clock.now_ms() // 1000 + g.reset_in)
        return response

    def listens(self, user: str) -> Response:
        self._state.parameters(("min_ts", "max_ts", "count"))
        person = self._find()
        if person is None or fault("listenbrainz.user_gone"):
            return refuse(404, f"Cannot find user: {user}")
        oldest, newest, count = whole("min_ts", 0), whole("max_ts", 0), whole("count", PAGE)
        if oldest is None or newest is None or count is None:
            self._state.violate("parameter", "min_ts, max_ts or count is no whole number")
            return refuse(400, "Invalid argument")
        if oldest and newest and newest <= oldest:
            self._state.violate("parameter", "max_ts is not above min_ts")
            return refuse(400, "max_ts should be greater than min_ts")
        if count < 0:
            self._state.violate("parameter", "count below 0")
            return refuse(400, "Number of items requested should be positive")
        if count > LARGEST_PAGE:
            self._state.violate("parameter", f"count above {LARGEST_PAGE} is clamped")
        history = person.histories[self.name]
        listed = history.listed(self._state.clock.now_ms())
        wanted = [e for e in listed if e.stamp_ms // 1000 > oldest and (not newest or e.stamp_ms // 1000 < newest)]
        count = min(count, LARGEST_PAGE)
        if fault("listenbrainz.short_page"):
            count = max(1, count // 2)
        # Given min_ts, the store reads upwards from there: those nearest to it, though the newest comes first.
        page = (wanted[:count] if oldest else wanted[-count:] if count else [])[::-1]
        if fault("listenbrainz.ties") and not oldest:
            page = _ending_in_a_tie(page)
        show(history, page)
        body = {
            "count": len(page),
            "user_id": person.user,
            "latest_listen_ts": listed[-1].stamp_ms // 1000 if listed else 0,
            "oldest_listen_ts": listed[0].stamp_ms // 1000 if listed else 0,
            "listens": [self._listen(person, entry) for entry in page],
        }
        return reply({"payload": body})

    def _listen(self, person: Person, entry: Entry) -> Body:
        track = entry.track
        album = track.releases[entry.release].album
        msid = stable_uuid("msid", track.artist.name, track.title)
        metadata: Body = {"artist_name": track.artist.name, "track_name": track.title, "recording_msid": msid}
        luck = chance("listen", person.user, entry.start_ms, entry.track_id)
        if luck < BARE_SHARE:
            metadata["additional_info"] = {"submission_client": "pocket scrobbler", "recording_msid": msid}
        else:
            url = f"https://open.spotify.com/track/{entry.track_id}"
            metadata["release_name"] = album
            metadata["additional_info"] = {
                "isrc": track.isrc,
                "origin_url": url,
                "spotify_id": url,
                "duration_ms": track.duration_ms,
                "artist_names": [track.artist.name, *track.guests],
                "music_service": "spotify.com",
                "submission_client": "listenbrainz",
                "recording_msid": msid,
                "spotify_album_id": f"https://open.spotify.com/album/{album_id(track.artist.name, album)}",
                "spotify_artist_ids": [f"https://open.spotify.com/artist/{artist_id(track.artist.name)}"],
            }
        self._map(metadata, entry, chance("mapping", person.user, entry.start_ms, entry.track_id))
        return {
            "inserted_at": entry.end_ms // 1000 + 2,
            "listened_at": entry.stamp_ms // 1000,
            "recording_msid": msid,
            "track_metadata": metadata,
            "user_name": person.user,
        }

    def _map(self, metadata: Body, entry: Entry, luck: float) -> None:
        """MusicBrainz ids: absent for some, null for some, and for some there only a day later."""
        late = luck > 1 - MAPPED_LATE_SHARE * (1 - ABSENT_SHARE - NULL_SHARE)
        if fault("listenbrainz.null_mapping") or ABSENT_SHARE <= luck < ABSENT_SHARE + NULL_SHARE:
            metadata["mbid_mapping"] = None
        elif luck >= ABSENT_SHARE and not (late and self._state.clock.now_ms() < entry.end_ms + DAY_MS):
            track = entry.track
            credit = {
                "artist_mbid": track.artist.mbid,
                "artist_credit_name": track.artist.name,
                "join_phrase": "",
            }
            metadata["mbid_mapping"] = {
                "recording_mbid": track.mbid,
                "recording_name": track.title,
                "release_mbid": stable_uuid("release", track.artist.name, track.releases[entry.release].album),
                "artist_mbids": [track.artist.mbid],
                "artists": [credit],
            }

    def listen_count(self, user: str) -> Response:
        self._state.parameters(())
        person = self._find()
        if person is None or fault("listenbrainz.user_gone"):
            return refuse(404, f"Cannot find user: {user}")
        listed = person.histories[self.name].listed(self._state.clock.now_ms())
        return reply({"payload": {"count": len(listed)}})

    def validate_token(self) -> Response:
        self._state.parameters(())
        if request.headers.get("Authorization") is None:
            self._state.violate("header", "no Authorization header")
            return refuse(400, "You need to provide an Authorization token.")
        person = self._state.people.by_token.get(self._token() or "")
        if person is None or self.name not in person.histories:
            return reply({"code": 200, "message": "Token invalid.", "valid": False})
        return reply({"code": 200, "message": "Token valid.", "valid": True, "user_name": person.user})


def _ending_in_a_tie(page: list[Entry]) -> list[Entry]:
    """The longest beginning of the page whose last listen shares its second with the next one."""
    for end in range(len(page) - 1, 0, -1):
        if page[end - 1].stamp_ms // 1000 == page[end].stamp_ms // 1000:
            return page[:end]
    return page
