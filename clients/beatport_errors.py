"""Beatport's errors, each of them also the common kind: `except AuthenticationError` catches BeatportAuthError.

The trap: the HTTP frame raises common kinds, so whatever leaves a Beatport client goes through `as_beatport`.
"""

from __future__ import annotations

from clients.errors import (
    AuthenticationError,
    AuthorizationError,
    BadPayloadError,
    ClientError,
    MissingCredentialError,
    NotFoundError,
    RateLimitError,
    UnavailableError,
)

SERVICE = "Beatport"


class BeatportError(ClientError):
    """Any error of Beatport."""

    service = SERVICE


class BeatportMissingCredentialError(BeatportError, MissingCredentialError):
    remedy = "Set BEATPORT_USERNAME and BEATPORT_PASSWORD in .env, or use `auth beatport --token`."


class BeatportAuthError(BeatportError, AuthenticationError):
    remedy = "Check BEATPORT_USERNAME and BEATPORT_PASSWORD in .env, or use `auth beatport --token`."


class BeatportTwoFactorError(BeatportAuthError):
    """The account asks for a second factor, which nobody is there to give."""

    remedy = "Accounts with two-factor login are not supported, use `auth beatport --token`."


class BeatportForbiddenError(BeatportError, AuthorizationError):
    remedy = "Check what the Beatport subscription covers; trying again does not help."


class BeatportRestrictedError(BeatportForbiddenError):
    """This one item is not shown in this country, or not streamed at all; a lasting answer for it alone."""

    remedy = "Nothing to do: the item is left out."


class BeatportNotFoundError(BeatportError, NotFoundError):
    """No such item."""


class BeatportRateLimitError(BeatportError, RateLimitError):
    """Too many requests."""


class BeatportPayloadError(BeatportError, BadPayloadError):
    """Another answer than is known of Beatport, which publishes no programme."""


class BeatportUnavailableError(BeatportError, UnavailableError):
    """Not reached, or failed."""


_KINDS: dict[type[ClientError], type[BeatportError]] = {
    MissingCredentialError: BeatportMissingCredentialError,
    AuthenticationError: BeatportAuthError,
    AuthorizationError: BeatportForbiddenError,
    NotFoundError: BeatportNotFoundError,
    RateLimitError: BeatportRateLimitError,
    BadPayloadError: BeatportPayloadError,
    UnavailableError: BeatportUnavailableError,
}


def as_beatport(error: ClientError) -> BeatportError:
    """The same error as one of Beatport's; a remedy that was given with it is kept."""
    if isinstance(error, BeatportError):
        return error
    ours = next((_KINDS[kind] for kind in _KINDS if isinstance(error, kind)), BeatportError)
    made = ours(error.problem, remedy=vars(error).get("remedy", ""))
    if isinstance(error, RateLimitError) and isinstance(made, RateLimitError):
        made.retry_after = error.retry_after
    return made
