"""api.spotify.com as an app in development mode meets it since March 2026: /spotify/v1/..."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from flask import Blueprint, Response, abort, request

from sandbox.services import spotify_objects as objects
from sandbox.services.accounts import Person
from sandbox.services.faults import Options
from sandbox.services.history import LOCAL_EVERY, SPOTIFY_REACH, Entry, History, iso
from sandbox.services.library import chance, fold
from sandbox.services.spotify_door import Door, refuse
from sandbox.services.spotify_tokens import Tokens
from sandbox.services.state import State, fault, options, reply, show, whole

K = TypeVar("K", bound=Hashable)

PAGE = 50  # largest limit of recently played and of top items
SEARCH_PAGE = 10  # largest limit of a search in development mode
FEATURE_IDS, TRACK_IDS = 100, 50  # ids per call
RANGE_DAYS = {"short_term": 28, "medium_term": 182, "long_term": 365}
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
# Gone for apps in development mode (changes/february-2026): the first words of their paths.
REMOVED = (
    "albums", "artists", "episodes", "shows", "audiobooks", "chapters", "markets", "browse/new-releases",
    "browse/categories", "recommendations", "audio-analysis", "users",
)  # fmt: skip


class Spotify:
    name = "spotify"

    def __init__(self, state: State, tokens: Tokens) -> None:
        self._state = state
        self._tokens = tokens
        self._door = Door(state, tokens)
        self.queued: dict[str, list[str]] = {}  # user -> URIs, in the order in which they were queued

    def blueprint(self) -> Blueprint:
        routes = Blueprint(self.name, __name__, url_prefix=f"/{self.name}/v1")
        add = routes.add_url_rule
        add("/me", "me", self.me)
        add("/me/player/recently-played", "recently_played", self.recently_played)
        add("/me/top/<kind>", "top", self.top)
        add("/tracks/<id_>", "track", self.track)
        add("/tracks", "tracks", self.tracks)
        add("/audio-features", "audio_features", self.audio_features)
        add("/audio-features/<id_>", "audio_feature", self.audio_feature)
        add("/search", "search", self.search)
        add("/me/player/queue", "queue", self.queue, methods=["POST"])
        add("/<path:rest>", "removed", self.removed)
        return routes

    def identify(self) -> tuple[str | None, str]:
        access = self._door.access()
        person = access.person if access else None
        return person.user if person else None, (request.endpoint or "").partition(".")[2]

    def admit(self) -> Response | None:
        return self._door.admit()

    def _limit(self, largest: int, default: int) -> int | Response:
        limit = whole("limit", default)
        if limit is None or not 1 <= limit <= largest:
            self._state.violate("parameter", f"limit is not within 1..{largest}")
            return refuse(400, "Invalid limit")
        return limit

    def me(self) -> Response:
        self._state.parameters(())
        person = self._door.person()
        return person if isinstance(person, Response) else reply(objects.user(person))

    def recently_played(self) -> Response:
        self._state.parameters(("limit", "after", "before"))
        person = self._door.person("user-read-recently-played")
        if isinstance(person, Response):
            return person
        limit = self._limit(PAGE, 20)
        if isinstance(limit, Response):
            return limit
        after, before = whole("after", 0), whole("before", 0)
        if after is None or before is None or after < 0 or before < 0:
            self._state.violate("parameter", "a cursor is no time in milliseconds")
            return refuse(400, "Invalid cursor")
        if "after" in request.args and "before" in request.args:
            self._state.violate("parameter", "after and before exclude each other")
            return refuse(400, "Only one of after and before can be specified")
        history = person.histories["spotify"]
        entries = in_reach(history, self._state.clock.now_ms(), options("spotify.lag"), options("spotify.gap"))
        stamped = sorted(((self._stamp(n, e), e) for n, e in entries), key=lambda pair: -pair[0])
        found = [(ms, e) for ms, e in stamped if ms > after and (not before or ms < before)]
        page = [] if fault("spotify.empty_page") else found[:limit]
        show(history, [entry for _, entry in page])
        own = request.base_url  # a client that follows `next` must end here, not at the real service
        query = {name: request.args[name] for name in ("limit", "after", "before") if name in request.args}
        href = f"{own}?{urlencode(query)}" if query else own
        if not page:
            return reply({"href": href, "limit": limit, "next": None, "cursors": None, "items": []})
        newest, oldest = page[0][0], page[-1][0]
        more = f"{own}?{urlencode({'before': oldest, 'limit': limit})}" if len(found) > limit and not after else None
        cursors = {"after": str(newest), "before": str(oldest)}
        items = [self._item(person, ms, entry) for ms, entry in page]
        return reply({"href": href, "limit": limit, "next": more, "cursors": cursors, "items": items})

    def _stamp(self, number: int, entry: Entry) -> int:
        if fault("spotify.drift") and number % 2:
            return entry.start_ms if entry.stamp_ms == entry.end_ms else entry.end_ms
        return entry.stamp_ms

    def _item(self, person: Person, stamp_ms: int, entry: Entry) -> objects.Body:
        luck = chance(person.user, "context", entry.start_ms)
        local = fault("spotify.local_tracks") and int(luck * LOCAL_EVERY) == 0
        track = objects.local_track(entry.track) if local else objects.track(entry.track, entry.release)
        context = None
        if luck > 0.4:
            album = objects.album(entry.track, entry.release)
            context = {key: album[key] for key in ("type", "href", "external_urls", "uri")}
        played_at = iso(stamp_ms, milliseconds=not fault("spotify.no_milliseconds"))
        return {"track": track, "played_at": played_at, "context": context}

    def top(self, kind: str) -> Response:
        self._state.parameters(("time_range", "limit", "offset"))
        person = self._door.person("user-top-read")
        if isinstance(person, Response):
            return person
        limit = self._limit(PAGE, 20)
        if isinstance(limit, Response):
            return limit
        offset, days = whole("offset", 0), RANGE_DAYS.get(request.args.get("time_range", "medium_term"))
        if days is None or offset is None or offset < 0 or kind not in ("artists", "tracks"):
            self._state.violate("parameter", "kind, time_range or offset is none that there is")
            return refuse(400, "Invalid request")
        now = self._state.clock.now_ms()
        listed = [e for e in person.histories["spotify"].listed(now) if e.start_ms >= now - days * DAY_MS]
        if kind == "artists":
            genres = {e.track.artist.name: tuple(genre.name for genre in e.track.artist.genres) for e in listed}
            items = [objects.artist(name, genres[name]) for name in ranked(listed, lambda e: e.track.artist.name)]
        else:
            releases = {e.track_id: (e.track, e.release) for e in listed}
            items = [objects.track(*releases[id_]) for id_ in ranked(listed, lambda e: e.track_id)]
        return reply(self._paged(items, limit, offset))

    def _paged(self, items: list[objects.Body], limit: int, offset: int) -> objects.Body:
        query = {name: value for name, value in request.args.items() if name not in ("limit", "offset")}

        def link(start: int) -> str:
            return f"{request.base_url}?{urlencode({**query, 'offset': start, 'limit': limit})}"

        return {
            "href": link(offset),
            "limit": limit,
            "next": link(offset + limit) if offset + limit < len(items) else None,
            "offset": offset,
            "previous": link(max(0, offset - limit)) if offset else None,
            "total": len(items),
            "items": items[offset : offset + limit],
        }

    def track(self, id_: str) -> Response:
        self._state.parameters(("market",))
        if len(id_) != 22 or not id_.isalnum():
            self._state.violate("parameter", "not a Spotify id of 22 characters")
            return refuse(400, "Invalid base62 id")
        found = self._state.library.by_spotify_id.get(id_)
        if found is None or fault("spotify.not_found"):
            return refuse(404, "Resource not found")
        return reply(objects.track(*found))

    def tracks(self) -> Response:
        self._state.parameters(("ids", "market"))
        if not fault("spotify.tracks_batch_open"):
            return self._closed()
        ids = self._ids(TRACK_IDS)
        if isinstance(ids, Response):
            return ids
        found = [self._state.library.by_spotify_id.get(id_) for id_ in ids]
        return reply({"tracks": [objects.track(*pair) if pair else None for pair in found]})

    def removed(self, rest: str) -> Response:
        """An endpoint that is closed to apps in development mode."""
        if not rest.startswith(REMOVED):
            abort(404)
        return self._closed()

    def _closed(self) -> Response:
        if fault("spotify.removed_rate"):
            return refuse(429, "API rate limit exceeded", wait=1)
        return refuse(403, "Forbidden")

    def _ids(self, most: int) -> list[str] | Response:
        ids = [id_ for id_ in request.args.get("ids", "").split(",") if id_]
        if not 1 <= len(ids) <= most:
            self._state.violate("parameter", f"{len(ids)} ids, not 1..{most}")
            return refuse(400, "Too many ids requested" if ids else "Missing required field: ids")
        return ids

    def _features_closed(self) -> bool:
        access = self._door.access()
        for_app = fault("spotify.features_app") and access is not None and access.person is None
        return not (for_app or fault("spotify.features_open"))

    def _features(self, id_: str) -> objects.Body | None:
        found = self._state.library.by_spotify_id.get(id_)
        if found is None or (fault("spotify.features_null") and int(chance("features", id_) * 3) == 0):
            return None
        return objects.audio_features(found[0], id_)

    def audio_features(self) -> Response:
        self._state.parameters(("ids",))
        if self._features_closed():
            return refuse(403, "Forbidden")
        ids = self._ids(FEATURE_IDS)
        if isinstance(ids, Response):
            return ids
        return reply({"audio_features": [self._features(id_) for id_ in ids]})

    def audio_feature(self, id_: str) -> Response:
        self._state.parameters(())
        if self._features_closed():
            return refuse(403, "Forbidden")
        features = self._features(id_)
        return reply(features) if features else refuse(404, "analysis not found")

    def search(self) -> Response:
        self._state.parameters(("q", "type", "market", "limit", "offset", "include_external"))
        limit = self._limit(SEARCH_PAGE, 5)
        if isinstance(limit, Response):
            return limit
        words, kinds, offset = request.args.get("q", ""), request.args.get("type", ""), whole("offset", 0)
        if not words or not kinds or set(kinds.split(",")) - {"track", "artist"} or offset is None:
            self._state.violate("parameter", "a search needs q and type (track, artist)")
            return refuse(400, "Missing parameter or invalid type")
        isrc = words.partition("isrc:")[2].strip().strip('"')
        by_isrc = self._state.library.by_isrc.get(isrc)
        plain_words = words.replace("track:", " ").replace("artist:", " ").replace('"', " ")
        found = ([(by_isrc, 0)] if by_isrc else []) if isrc else self._state.library.search(plain_words)
        body = {}
        if "track" in kinds:
            body["tracks"] = self._paged([objects.track(*pair) for pair in found], limit, offset)
        if "artist" in kinds:
            hits = [a for a in self._state.library.artists if fold(plain_words) in fold(a.name)]
            artists = [objects.artist(a.name, tuple(genre.name for genre in a.genres)) for a in hits]
            body["artists"] = self._paged(artists, limit, offset)
        return reply(body)

    def queue(self) -> Response:
        self._state.parameters(("uri", "device_id"))
        person = self._door.person("user-modify-playback-state")
        if isinstance(person, Response):
            return person
        uri = request.args.get("uri", "")
        kind, _, id_ = uri.removeprefix("spotify:").partition(":")
        if kind not in ("track", "episode") or id_ not in self._state.library.by_spotify_id:
            self._state.violate("parameter", "uri is no track or episode that there is")
            return refuse(400, "Invalid track uri")
        if fault("spotify.no_premium"):
            return refuse(403, "Player command failed: Premium required", "PREMIUM_REQUIRED")
        if fault("spotify.no_active_device"):
            return refuse(404, "Player command failed: No active device found", "NO_ACTIVE_DEVICE")
        self.queued.setdefault(person.user, []).append(uri)
        return Response("", 502) if fault("spotify.queue_answer_lost") else Response("", 204)


def ranked(entries: Sequence[Entry], key: Callable[[Entry], K]) -> list[K]:
    """The keys by the number of their plays; of equals the one heard first."""
    return [item for item, _ in Counter(map(key, entries)).most_common()]


def in_reach(history: History, now_ms: int, lag: Options | None, gap: Options | None) -> list[tuple[int, Entry]]:
    """The plays that can be had at all at that moment, numbered from the account's first."""
    listed = history.listed(now_ms - int(lag["hours"] * HOUR_MS) if lag else now_ms)
    return list(enumerate(listed))[-(int(gap["plays"]) if gap else SPOTIFY_REACH) :]
