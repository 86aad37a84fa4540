"""What every client of a service raises: one tree, each error with its service and with what the user does next.

The trap: messages reach logs and people, so the HTTP frame redacts `problem` before it lets an error go.
"""

from __future__ import annotations


class ClientError(Exception):
    """A service that did not give what was asked; reads `<problem>. <remedy>`.

    `problem` says what happened, `remedy` what the user does next (each class has a default). A service's own errors
    are made by inheritance, `class BeatportAuthError(BeatportError, AuthenticationError)`, and set `service` once.
    """

    service: str = ""
    remedy: str = "Run the command again; if it fails again, report it with this message."

    def __init__(self, problem: str = "", *, service: str = "", remedy: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        if service:
            self.service = service
        if remedy:
            self.remedy = remedy

    def __str__(self) -> str:
        problem = self.problem.rstrip()
        if problem and problem[-1] not in ".!?":
            problem += "."
        return f"{problem} {self.remedy}".strip()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"


class MissingCredentialError(ClientError):
    """A credential that was never given; raised before any request."""

    remedy = "Set it in .env or connect the account with `auth`."


class AuthenticationError(ClientError):
    """The service does not know the credential, or no longer (401)."""

    remedy = "Check the key in .env or connect the account again with `auth`."


class AuthorizationError(ClientError):
    """The credential is known and may not do this (403)."""

    remedy = "Check what the account or the app may do at the service; trying again does not help."


class NotFoundError(ClientError):
    """The service has no such user or item (404)."""

    remedy = "Check the name or the id."


class RateLimitError(ClientError):
    """Too many requests; nothing may be sent for `retry_after` seconds (0: the service did not say)."""

    remedy = "Nothing to do: the next run after the wait goes on from here."

    def __init__(self, problem: str = "", *, retry_after: float = 0.0, service: str = "", remedy: str = "") -> None:
        super().__init__(problem, service=service, remedy=remedy)
        self.retry_after = retry_after


class OwnLimitError(RateLimitError):
    """Our own limit for this key is used up; the service was not asked, and others may go on."""


class QuotaError(RateLimitError):
    """The quota of the app or of its owner is used up, which waiting a minute does not mend."""

    remedy = "Nothing to do: a run after the wait goes on from here. If it happens daily, ask for a higher quota."


class BadPayloadError(ClientError):
    """An answer that is not what the service's documents promise, or a request that the service finds malformed."""

    remedy = "Nothing was stored of it. If it lasts, the service has changed: report it with this message."


class UnavailableError(ClientError):
    """The service was not reached, or failed on its side, also after retries."""

    remedy = "Nothing to do: the next run goes on from here. If it lasts, look at the service's status page."
