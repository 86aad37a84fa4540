"""What every request to Spotify's Web API meets first: its token, who is shut out, how many are too many."""

from __future__ import annotations

import math

from flask import Response, g, request

from sandbox.services.accounts import Person
from sandbox.services.spotify_tokens import Access, Tokens
from sandbox.services.state import State, fault, options, plain, reply

SERVICE = "spotify"
NO_PREMIUM = (
    "Your application is blocked from accessing the Web API since you do not have a Spotify Premium subscription. "
    "Please subscribe to Premium."
)
NOT_REGISTERED = (
    "The user is not registered for this application. Please check your settings on "
    "https://developer.spotify.com/dashboard."
)


def refuse(status: int, message: str, reason: str | None = None, wait: float | None = None) -> Response:
    error: dict[str, object] = {"status": status, "message": message}
    if reason:
        error["reason"] = reason
    return reply({"error": error}, status, None if wait is None else {"Retry-After": str(math.ceil(wait))})


class Door:
    def __init__(self, state: State, tokens: Tokens) -> None:
        self._state = state
        self._tokens = tokens
        self._quota_until: dict[str, int] = {}  # account -> epoch ms

    def access(self) -> Access | None:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        return self._tokens.access.get(token) if scheme == "Bearer" else None

    def admit(self) -> Response | None:
        return self._token_fault() or self._forbidden() or self._too_many()

    def _token_fault(self) -> Response | None:
        header = request.headers.get("Authorization", "")
        if not header:
            self._state.violate("header", "no Authorization header")
            return refuse(401, "No token provided")
        if not header.startswith("Bearer "):
            self._state.violate("header", "Authorization is not of the form Bearer TOKEN")
            return refuse(400, "Only valid bearer authentication supported")
        access = self.access()
        if access is None or fault("spotify.invalid_token"):
            if access is None:
                self._state.violate("token", "a token that was never issued")
            return refuse(401, "Invalid access token")
        if fault("spotify.expired_token"):
            access.expires_ms = 0
        if self._state.clock.now_ms() >= access.expires_ms:
            return refuse(401, "The access token expired")
        self._tokens.use(access.refresh)
        return None

    def _forbidden(self) -> Response | None:
        if fault("spotify.not_registered"):
            return refuse(403, NOT_REGISTERED)
        if fault("spotify.not_registered_text"):
            return plain("User not registered in the Developer Dashboard", 403)
        if fault("spotify.owner_without_premium"):
            return refuse(403, NO_PREMIUM)
        if fault("spotify.forbidden"):
            return refuse(403, "Forbidden")
        if fault("spotify.forbidden_empty"):
            return Response("", 403)
        if fault("spotify.insufficient_scope"):
            return refuse(403, "Insufficient client scope")
        return None

    def _too_many(self) -> Response | None:
        key, now = g.account or "app", self._state.clock.now_ms()
        if quota := options("spotify.quota"):
            self._quota_until.setdefault(key, now + int(quota["seconds"] * 1000))
        until = self._quota_until.get(key, 0)
        if now < until:
            return refuse(429, "Too many requests", "QUOTA_EXCEEDED", (until - now) / 1000)
        self._quota_until.pop(key, None)
        if limited := options("spotify.rate") or options("spotify.rate_text"):
            wait: float | None = limited["seconds"]
        elif wait := self._state.limiter.take(SERVICE, self._tokens.app.client_id):
            self._state.violate("limit", "more requests than the rolling window takes")
        if wait is None:
            return None
        if fault("spotify.rate_text"):
            return plain("Too many requests", 429, {"Retry-After": str(math.ceil(wait))})
        return refuse(429, "API rate limit exceeded", wait=wait)

    def person(self, scope: str | None = None) -> Person | Response:
        """Whose token it is, or why it does not open this endpoint."""
        access = self.access()
        if access is None or access.person is None:
            self._state.violate("token", "an app token for a user's endpoint")
            return refuse(401, "Valid user authentication required")
        if scope and scope not in access.scopes:
            self._state.violate("token", f"scope {scope} was not granted")
            return refuse(403, "Insufficient client scope")
        return access.person
