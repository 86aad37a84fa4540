"""What Spotify means by its refusals: one status stands for many causes, each with another remedy.

The trap: 403 may be about the app, the endpoint, the account or the token, and only the message tells which (contracts
2.1); the service's own words stay out of these errors, they are recognised and replaced by ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from clients.errors import AuthorizationError, ClientError, MissingCredentialError, NotFoundError
from clients.replies import Reply

SERVICE = "Spotify"
DASHBOARD = "https://developer.spotify.com/dashboard"
NO_APP_TOKEN = "Failed to get app token"


class EndpointClosedError(AuthorizationError):
    """The endpoint is not open to this app, or no longer (403 `Forbidden`)."""

    service = SERVICE
    remedy = "Nothing to do: Spotify closed it to newer apps, and other sources take its place."


class OwnerWithoutPremiumError(AuthorizationError):
    """The app is blocked as a whole."""

    service = SERVICE
    remedy = f"The owner of the app needs Spotify Premium; the app's page at {DASHBOARD} names the owner."


class NotRegisteredError(AuthorizationError):
    """The account is not among those that the app may serve."""

    service = SERVICE
    remedy = f"Add its name and e-mail address at {DASHBOARD}, User Management; an app may have 5 users."


class MissingScopeError(AuthorizationError):
    """The person did not consent to this, or consented before it was asked for."""

    service = SERVICE
    remedy = "Connect the account again with `auth spotify` and agree to all that it asks for."


class PremiumRequiredError(AuthorizationError):
    """The account cannot be played on from outside."""

    service = SERVICE
    remedy = "Spotify lets only Premium accounts be controlled; nothing else is affected."


class NoActiveDeviceError(NotFoundError):
    """Nothing plays, so there is no queue to add to."""

    service = SERVICE
    remedy = "Start playing on a device of this account, then try again."


def explain(reply: Reply) -> ClientError | None:
    """The error for a refusal that the contracts describe, None for any other reply (for `ServiceClient`)."""
    if reply.status not in (401, 403, 404):
        return None
    message, reason = _message_and_reason(reply)
    where = f"{SERVICE} API error ({reply.route}): HTTP {reply.status}:"
    if reply.status == 404:
        no_device = reason == "NO_ACTIVE_DEVICE" or "no active device" in message
        return NoActiveDeviceError(f"{where} no active device") if no_device else None
    if "insufficient client scope" in message or "permissions missing" in message:
        return MissingScopeError(f"{where} the consent does not cover this")
    if reply.status == 401:
        return None
    if "not registered" in message:
        return NotRegisteredError(f"{where} the account is not registered for this app")
    if reason == "PREMIUM_REQUIRED" or "premium required" in message:
        return PremiumRequiredError(f"{where} the account has no Spotify Premium")
    if "premium subscription" in message:
        return OwnerWithoutPremiumError(f"{where} the app is blocked, as its owner has no Spotify Premium")
    if message in ("", "forbidden"):
        return EndpointClosedError(f"{where} the endpoint is not open to this app")
    return None


@contextmanager
def told_as(what: str) -> Iterator[None]:
    """Begin the message of every error from inside with `what`, unless it tells of a credential or the app's token."""
    try:
        yield
    except ClientError as error:
        if not (isinstance(error, MissingCredentialError) or error.problem.startswith(NO_APP_TOKEN)):
            error.problem = f"{what}: {error.problem}"
            error.args = (error.problem,)
        raise


def no_key() -> MissingCredentialError:
    return MissingCredentialError(
        "No Spotify API key found",
        service=SERVICE,
        remedy=f"Set SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET in .env; the app's page at {DASHBOARD} shows both.",
    )


def reconnect(user: str) -> str:
    """The remedy that connects an account anew."""
    return f"Run `auth spotify --user {user}`."


def _message_and_reason(reply: Reply) -> tuple[str, str]:
    error = reply.payload.get("error") if isinstance(reply.payload, dict) else None
    if isinstance(error, dict):
        return str(error.get("message") or "").strip().lower(), str(error.get("reason") or "")
    return ("" if reply.content.lstrip()[:1] == b"<" else reply.text.strip().lower()), ""
