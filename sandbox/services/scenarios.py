"""Every way in which a service can misbehave here, by name (grain: one fault)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

SERVICES = (
    "spotify", "spotify-accounts", "lastfm", "listenbrainz", "reccobeats", "lrclib", "lyricsovh", "beatport",
    "kaggle", "ai",
)  # fmt: skip
# What any server does now and then.
ANYWHERE: tuple[tuple[str, str, Mapping[str, float]], ...] = (
    ("gateway", "502 with a page of HTML", {}),
    ("unavailable", "503 with an empty body", {}),
    ("error", "500 with a body of JSON", {}),
    ("timeout", "the answer comes `seconds` late", {"seconds": 30.0}),
    ("reset", "the connection is cut without an answer", {}),
    ("truncated", "the body ends in the middle", {}),
)
TOKEN_REFRESH = ("token/refresh_token",)
RECENT = ("recently_played",)
FEATURES = ("audio_features", "audio_feature")
PAGES = ("user.getrecenttracks", "user.getlovedtracks")


@dataclass(frozen=True, slots=True)
class Fault:
    """One named misbehaviour; `endpoints` empty means all of its service."""

    name: str
    doc: str
    endpoints: tuple[str, ...] = ()
    options: Mapping[str, float] = field(default_factory=dict)  # with their defaults
    in_mix: bool = True  # False: a state that a random mix would make senseless (an opened endpoint, a closed account)

    @property
    def service(self) -> str:
        return self.name.partition(".")[0]


def _named() -> Iterator[Fault]:
    for service in SERVICES:
        for name, doc, options in ANYWHERE:
            # of a Kaggle download, the redirect has no body to cut
            endpoints = ("storage",) if (service, name) == ("kaggle", "truncated") else ()
            yield Fault(f"{service}.{name}", doc, endpoints, options)

    yield Fault("spotify.expired_token", '401 "The access token expired"; the token is dead, a refresh helps')
    yield Fault("spotify.invalid_token", '401 "Invalid access token"')
    yield Fault("spotify.not_registered", "403, the user is not in the app's allowlist")
    yield Fault("spotify.not_registered_text", "the same in its older form, as plain text")
    yield Fault("spotify.owner_without_premium", "403, the app is blocked as its owner has no Premium", in_mix=False)
    yield Fault("spotify.forbidden", '403 "Forbidden", as from a closed endpoint')
    yield Fault("spotify.forbidden_empty", "403 with an empty body")
    yield Fault("spotify.insufficient_scope", '403 "Insufficient client scope"', in_mix=False)
    yield Fault("spotify.rate", "429 with Retry-After: `seconds`", (), {"seconds": 2})
    yield Fault("spotify.rate_text", "429 as plain text with Retry-After: `seconds`", (), {"seconds": 2})
    yield Fault("spotify.quota", "429 QUOTA_EXCEEDED, kept up until Retry-After: `seconds`", (), {"seconds": 86_000})
    yield Fault("spotify.empty_page", "recently played says nothing: no items, null cursors", RECENT)
    yield Fault("spotify.lag", "plays are listed `hours` late", RECENT, {"hours": 6})
    yield Fault("spotify.drift", "every other play is stamped at its other end: start for end, end for start", RECENT)
    yield Fault("spotify.no_milliseconds", "played_at in whole seconds", RECENT)
    yield Fault("spotify.local_tracks", "every tenth play is a local file, its track.id null", RECENT, in_mix=False)
    yield Fault("spotify.gap", "only the last `plays` plays are in reach", RECENT, {"plays": 5}, in_mix=False)
    yield Fault("spotify.not_found", "404 for a track that exists", ("track",))
    yield Fault("spotify.tracks_batch_open", "GET /tracks?ids= answers, as for old apps", ("tracks",), in_mix=False)
    yield Fault("spotify.removed_rate", "removed endpoints answer 429 in place of 403", ("tracks", "removed"))
    yield Fault("spotify.features_app", "audio features answer app tokens, not users'", FEATURES, in_mix=False)
    yield Fault("spotify.features_open", "audio features answer every token", FEATURES, in_mix=False)
    yield Fault("spotify.features_null", "every third track has no audio features", FEATURES, in_mix=False)
    yield Fault("spotify.no_premium", "403 PREMIUM_REQUIRED when queueing", ("queue",), in_mix=False)
    yield Fault("spotify.no_active_device", "404 NO_ACTIVE_DEVICE when queueing", ("queue",), in_mix=False)
    yield Fault("spotify.queue_answer_lost", "502, but the track is queued: a retry queues it twice", ("queue",))

    yield Fault("spotify-accounts.invalid_grant", "400 invalid_grant for a good refresh token", TOKEN_REFRESH)
    yield Fault("spotify-accounts.revoked", "the refresh token is dead from now on", TOKEN_REFRESH, in_mix=False)
    yield Fault("spotify-accounts.no_refresh_token", "no refresh_token in the answer: the old one stays", TOKEN_REFRESH)
    yield Fault("spotify-accounts.rotate", "a new refresh_token, the old one dies, PKCE or not", TOKEN_REFRESH)
    yield Fault("spotify-accounts.no_expires_in", "an answer without expires_in")
    yield Fault("spotify-accounts.short_tokens", "access tokens live `seconds`", (), {"seconds": 60}, in_mix=False)
    yield Fault("spotify-accounts.invalid_client", "400 invalid_client", in_mix=False)
    yield Fault("spotify-accounts.consent_denied", "the user says no", ("authorize",), in_mix=False)
    yield Fault("spotify-accounts.wrong_state", "the redirect carries another state", ("authorize",), in_mix=False)

    yield Fault("lastfm.now_playing", "a track is playing now: no date, on every page, beyond the limit", PAGES[:1])
    yield Fault("lastfm.errors_as_200", "errors come with HTTP 200", in_mix=False)
    yield Fault("lastfm.backend", "error 8, try again")
    yield Fault("lastfm.backend_200", "error 8 with HTTP 200")
    yield Fault("lastfm.invalid_session", "error 9", in_mix=False)
    yield Fault("lastfm.invalid_key", "error 10", in_mix=False)
    yield Fault("lastfm.offline", "error 11, service offline")
    yield Fault("lastfm.invalid_signature", "error 13", in_mix=False)
    yield Fault("lastfm.busy", "error 16, temporarily unavailable")
    yield Fault("lastfm.hidden", "error 17, the user hides what they listen to", in_mix=False)
    yield Fault("lastfm.suspended", "error 26, the API key is suspended", in_mix=False)
    yield Fault("lastfm.rate", "error 29 with HTTP 429")
    yield Fault("lastfm.user_gone", "error 6, user not found", in_mix=False)
    yield Fault("lastfm.page_shift", "`tracks` newer ones arrive before each call", PAGES[:1], {"tracks": 3})
    yield Fault("lastfm.epoch_date", "one more row, dated 1970", PAGES[:1])
    yield Fault("lastfm.single", "one track to a page, and so no list", PAGES, in_mix=False)

    yield Fault("listenbrainz.rate", "429 as plain text; reset in `seconds`", (), {"seconds": 2})
    yield Fault("listenbrainz.ties", "a page ends between listens of the same second", ("listens",))
    yield Fault("listenbrainz.short_page", "fewer listens than asked for, though there are more", ("listens",))
    yield Fault("listenbrainz.null_mapping", "mbid_mapping is null throughout", ("listens",))
    yield Fault("listenbrainz.user_gone", "404, cannot find user", ("listens", "listen-count"), in_mix=False)
    yield Fault("listenbrainz.invalid_token", "401, the token is refused", in_mix=False)

    yield Fault("reccobeats.rate", "429 with Retry-After: `seconds`", (), {"seconds": 2})
    yield Fault("reccobeats.missing", "every third id that it knows is left out")
    yield Fault("reccobeats.reordered", "answers in the reverse order of asking")
    yield Fault("reccobeats.key_unknown", "key is -1")
    yield Fault("reccobeats.drifted", "another model: values far from the catalogue's", in_mix=False)

    yield Fault("lrclib.instrumental", "instrumental, with null lyrics", ("get", "get/id"), in_mix=False)
    yield Fault("lrclib.null_lyrics", "found, not instrumental, and still without lyrics", ("get", "get/id"))
    yield Fault("lrclib.not_found", "404 TrackNotFound", ("get", "get/id"))
    yield Fault("lyricsovh.not_found", "404", ("lyrics",))
    yield Fault("lyricsovh.empty", "200 with empty lyrics", ("lyrics",))

    yield Fault("beatport.two_factor", "the login asks for a second factor", ("login",), in_mix=False)
    yield Fault("beatport.bad_login", "the login is refused", ("login",), in_mix=False)
    yield Fault("beatport.no_client_id", "the docs page names no client id", ("docs", "script"), in_mix=False)
    yield Fault("beatport.expired_token", "401; the token is dead, a refresh helps", ("catalog", "account"))
    yield Fault("beatport.forbidden", "403, no permission", ("catalog",))
    yield Fault("beatport.restricted", "403, territory restricted", ("catalog",))
    yield Fault("beatport.rate", "429 with Retry-After: `seconds`", (), {"seconds": 2})

    yield Fault("kaggle.unauthorized", "401", in_mix=False)
    yield Fault("kaggle.forbidden", "403, the terms are not accepted", ("DownloadDataset",), in_mix=False)
    yield Fault("kaggle.gone", "404, no such dataset", in_mix=False)
    yield Fault("kaggle.new_version", "a newer version of the dataset, with other bytes", in_mix=False)
    yield Fault("kaggle.other_bytes", "other bytes under the same version number", in_mix=False)
    yield Fault("kaggle.not_a_zip", "200 with a page of HTML in place of the zip", ("storage",))
    yield Fault("kaggle.rate", "429 with Retry-After: `seconds`", (), {"seconds": 2})

    yield Fault("ai.slow", "the answer comes `seconds` late", (), {"seconds": 5.0})
    yield Fault("ai.malformed", "JSON of another shape")
    yield Fault("ai.not_normalised", "probabilities that do not sum to 1", ("mood",))
    yield Fault("ai.negative", "a probability below 0", ("mood",))
    yield Fault("ai.no_songs", "an empty list of songs", ("recommend",))
    yield Fault("ai.rate", "429 with Retry-After: `seconds`", (), {"seconds": 2})


FAULTS: Mapping[str, Fault] = {fault.name: fault for fault in _named()}
