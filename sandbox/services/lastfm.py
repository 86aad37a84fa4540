"""ws.audioscrobbler.com: /lastfm/2.0/?method=..., all numbers strings, errors in the body."""

from __future__ import annotations

import math
import secrets
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, g, request

from sandbox.catalogue import Track
from sandbox.services.accounts import Person
from sandbox.services.history import Entry
from sandbox.services.library import chance, fold, stable_uuid
from sandbox.services.state import State, fault, options, reply, show, whole

Body = dict[str, Any]

PAGE, LARGEST_PAGE = 50, 200  # default and largest limit; a larger one is clamped
# name: HTTP status, code, message (docs/codes.md)
ERRORS = {
    "method": (400, 3, "Invalid Method - No method with that name in this package"),
    "parameters": (400, 6, "Invalid parameters - Your request is missing a required parameter"),
    "user_gone": (404, 6, "User not found"),
    "no_track": (404, 6, "Track not found"),
    "backend": (500, 8, "Operation failed - Most likely the backend service failed. Please try again."),
    "backend_200": (200, 8, "Operation failed - Most likely the backend service failed. Please try again."),
    "invalid_session": (403, 9, "Invalid session key - Please re-authenticate"),
    "invalid_key": (403, 10, "Invalid API key - You must be granted a valid key by last.fm"),
    "offline": (503, 11, "Service Offline - This service is temporarily offline. Try again later."),
    "invalid_signature": (403, 13, "Invalid method signature supplied"),
    "busy": (503, 16, "The service is temporarily unavailable, please try again."),
    "hidden": (403, 17, "Login: User required to be logged in"),
    "suspended": (403, 26, "Suspended API key - Access for your account has been suspended"),
    "rate": (429, 29, "Rate limit exceeded - Your IP has made too many requests in a short period"),
}
COMMON = ("method", "api_key", "format")
METHODS = {
    "user.getrecenttracks": ("user", "limit", "page", "from", "to", "extended"),
    "user.getlovedtracks": ("user", "limit", "page"),
    "user.getinfo": ("user",),
    "track.gettoptags": ("artist", "track", "mbid", "autocorrect", "user"),
}
IMAGES = (("small", "34s"), ("medium", "64s"), ("large", "174s"), ("extralarge", "300x300"))
LOVED_AFTER = 3  # scrobbles
LOVED_SHARE = 0.3  # of the tracks heard that often
UNLOVED_SHARE = 0.15  # of the loved ones, later
UNLOVED_AFTER_MS = 10 * 86_400_000
REGISTERED = 1_262_304_000  # 2010-01-01, every listener's first day


class LastFm:
    name = "lastfm"

    def __init__(self, state: State) -> None:
        self._state = state
        self.api_key = state.vault.keep(secrets.token_hex(16))
        self._arrived: Counter[str] = Counter()  # scrobbles that lastfm.page_shift let in early
        self._hearts: dict[str, list[tuple[Track, int, int | None]]] = {}

    def blueprint(self) -> Blueprint:
        routes = Blueprint(self.name, __name__, url_prefix=f"/{self.name}")
        routes.add_url_rule("/2.0/", view_func=self.answer)
        return routes

    def identify(self) -> tuple[str | None, str]:
        method = request.args.get("method", "").lower()
        person = self._state.people.find(request.args.get("user", ""), self.name)
        return person.user if person else None, method if method in METHODS else "unknown"

    def admit(self) -> Response | None:
        self._state.expect_user_agent()
        for name in ERRORS:
            if fault(f"lastfm.{name}"):
                return self._error(name)
        if self._state.limiter.take(self.name, "address") is not None:
            self._state.violate("limit", "more than 5 requests in a second")
            return self._error("rate")
        return None

    def _error(self, name: str) -> Response:
        status, code, message = ERRORS[name]
        return reply({"message": message, "error": code}, 200 if fault("lastfm.errors_as_200") else status)

    def answer(self) -> Response:
        sent = request.args
        if g.endpoint not in METHODS:
            self._state.violate("parameter", "no such method")
            return self._error("method")
        self._state.parameters((*COMMON, *METHODS[g.endpoint]))
        if "api_key" not in sent:
            self._state.violate("parameter", "no api_key")
            return self._error("parameters")
        if sent["api_key"] != self.api_key:
            self._state.violate("token", "an API key that was never issued")
            return self._error("invalid_key")
        if sent.get("format") != "json":
            self._state.violate("parameter", "format is not json, so the answer is XML")
            return Response('<?xml version="1.0" encoding="UTF-8"?><lfm status="ok"/>', content_type="text/xml")
        if g.endpoint == "track.gettoptags":
            return self._top_tags()
        person = self._state.people.find(sent.get("user", ""), self.name)
        if "user" not in sent or person is None:
            return self._error("user_gone" if "user" in sent else "parameters")
        if g.endpoint == "user.getinfo":
            return self._info(person)
        limit, page = whole("limit", PAGE), whole("page", 1)
        if limit is None or limit < 1 or page is None or page < 1:
            self._state.violate("parameter", "limit or page is no number from 1 on")
            return self._error("parameters")
        limit = 1 if fault("lastfm.single") else min(limit, LARGEST_PAGE)
        if g.endpoint == "user.getlovedtracks":
            rows = [self._loved_row(track, since) for track, since in self._loved(person)]
            return self._page("lovedtracks", person, rows, limit, page)
        return self._recent_tracks(person, limit, page)

    def _page(
        self, name: str, person: Person, rows: Sequence[Body], limit: int, page: int, before: Sequence[Body] = ()
    ) -> Response:
        """One page; a single track is an object and no list, and `before` stands above the limit."""
        shown = [*before, *rows[(page - 1) * limit : page * limit]]
        attributes = {
            "user": person.user,
            "totalPages": str(math.ceil(len(rows) / limit)),
            "page": str(page),
            "perPage": str(limit),
            "total": str(len(rows)),
        }
        return reply({name: {"track": shown[0] if len(shown) == 1 else shown, "@attr": attributes}})

    # Scrobbles

    def _recent_tracks(self, person: Person, limit: int, page: int) -> Response:
        start, end = whole("from", 0), whole("to", 1 << 40)
        if start is None or end is None:
            self._state.violate("parameter", "from or to is no time in seconds")
            return self._error("parameters")
        history, now = person.histories[self.name], self._state.clock.now_ms()
        entries = history.listed(now)
        if shift := options("lastfm.page_shift"):
            self._arrived[person.user] += int(shift["tracks"])
            entries = history.entries[: len(entries) + self._arrived[person.user]]
        wanted = [entry for entry in reversed(entries) if start <= entry.stamp_ms // 1000 < end]
        show(history, wanted[(page - 1) * limit : page * limit])
        loved = {id(track) for track, _ in self._loved(person)}
        rows = [self._row(entry.track, entry, loved) for entry in wanted]
        if fault("lastfm.epoch_date") and rows:
            broken = rows[-1] | {"date": _date(0), "name": "Unknown Track"}
            rows.insert(min(len(rows), page * limit) - 1, broken)
        playing = self._playing(person, now)
        before = [self._row(playing, None, loved)] if playing else []
        return self._page("recenttracks", person, rows, limit, page, before)

    def _playing(self, person: Person, now_ms: int) -> Track | None:
        plays = self._state.world.plays[person.user]
        at = bisect_right(plays, now_ms, key=lambda play: play.start_ms) - 1
        if at >= 0 and plays[at].track and now_ms < plays[at].end_ms:
            return plays[at].track
        return person.listener.tracks[0] if fault("lastfm.now_playing") else None

    def _row(self, track: Track, entry: Entry | None, loved: set[int]) -> Body:
        """A scrobble, or, without an entry, what is playing now."""
        album = track.releases[entry.release if entry else 0].album
        artist = {"mbid": _sometimes(track.artist.mbid), "#text": track.artist.name}
        row: Body = {
            "artist": artist,
            "streamable": "0",
            "image": _images(track.artist.name, album),
            "mbid": _sometimes(track.mbid),
            "album": {"mbid": _sometimes(stable_uuid("release", track.artist.name, album)), "#text": album},
            "name": track.title,
            "url": _url(track.artist.name, track.title),
        }
        if request.args.get("extended") == "1":
            row["artist"] = {
                "url": _url(track.artist.name),
                "name": track.artist.name,
                "image": _images(track.artist.name),
                "mbid": artist["mbid"],
            }
            row["loved"] = "1" if id(track) in loved else "0"
        if entry:
            return row | {"date": _date(entry.stamp_ms // 1000)}
        return {"@attr": {"nowplaying": "true"}} | row

    # Hearts

    def _loved(self, person: Person) -> list[tuple[Track, int]]:
        """What is loved at this moment, the newest first, with the time since when (s)."""
        if person.user not in self._hearts:
            heard: defaultdict[int, list[Entry]] = defaultdict(list)
            for entry in person.histories[self.name].entries:
                heard[id(entry.track)].append(entry)
            self._hearts[person.user] = [
                (entries[0].track, since := entries[LOVED_AFTER - 1].end_ms, _until(person.user, entries[0], since))
                for entries in heard.values()
                if len(entries) >= LOVED_AFTER and chance("love", person.user, entries[0].track_id) < LOVED_SHARE
            ]
        now = self._state.clock.now_ms()
        loved = [
            (track, since // 1000)
            for track, since, until in self._hearts[person.user]
            if since <= now and (until is None or now < until)
        ]
        return sorted(loved, key=lambda pair: -pair[1])

    def _loved_row(self, track: Track, since: int) -> Body:
        artist = track.artist
        return {
            "artist": {"url": _url(artist.name), "name": artist.name, "mbid": _sometimes(artist.mbid)},
            "date": _date(since),
            "mbid": _sometimes(track.mbid),
            "url": _url(artist.name, track.title),
            "name": track.title,
            "image": _images(artist.name, track.title),
            "streamable": {"fulltrack": "0", "#text": "0"},
        }

    # Single things

    def _info(self, person: Person) -> Response:
        entries = person.histories[self.name].listed(self._state.clock.now_ms())
        user = {
            "name": person.user,
            "age": "0",
            "subscriber": "0",
            "realname": person.listener.display_name,
            "bootstrap": "0",
            "playcount": str(len(entries)),
            "artist_count": str(len({entry.track.artist.name for entry in entries})),
            "playlists": "0",
            "track_count": str(len({entry.track_id for entry in entries})),
            "album_count": str(len({entry.track.releases[entry.release].album for entry in entries})),
            "image": _images(person.user),
            "registered": {"unixtime": str(REGISTERED), "#text": REGISTERED},
            "country": person.listener.country,
            "gender": "n",
            "url": f"https://www.last.fm/user/{person.user}",
            "type": "user",
        }
        return reply({"user": user})

    def _top_tags(self) -> Response:
        sent = request.args
        if "mbid" not in sent and not {"artist", "track"} <= sent.keys():
            self._state.violate("parameter", "neither mbid nor artist and track")
            return self._error("parameters")
        words = (fold(sent.get("artist", "")), fold(sent.get("track", "")))
        track = self._state.library.by_mbid.get(sent.get("mbid", "")) or self._state.library.by_words.get(words)
        if track is None:
            return self._error("no_track")
        tags = [
            {"count": 100 - 30 * number, "name": genre.name, "url": f"https://www.last.fm/tag/{genre.name}"}
            for number, genre in enumerate(track.genres[:3])
        ]
        return reply({"toptags": {"tag": tags, "@attr": {"artist": track.artist.name, "track": track.title}}})


def _until(user: str, entry: Entry, since_ms: int) -> int | None:
    return since_ms + UNLOVED_AFTER_MS if chance("unlove", user, entry.track_id) < UNLOVED_SHARE else None


def _sometimes(mbid: str) -> str:
    """Last.fm knows about two in three MBIDs; the others are empty."""
    return mbid if chance("mbid", mbid) < 0.66 else ""


def _date(uts: int) -> Body:
    return {"uts": str(uts), "#text": datetime.fromtimestamp(uts, UTC).strftime("%d %b %Y, %H:%M")}


def _images(*words: str) -> list[Body]:
    key = stable_uuid("image", *words).replace("-", "")
    return [{"size": size, "#text": f"https://lastfm.freetls.fastly.net/i/u/{px}/{key}.jpg"} for size, px in IMAGES]


def _url(artist: str, title: str | None = None) -> str:
    path = f"https://www.last.fm/music/{artist.replace(' ', '+')}"
    return path if title is None else f"{path}/_/{title.replace(' ', '+')}"
