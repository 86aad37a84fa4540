"""The token file of a service: all accounts, keyed by user, readable by its owner alone, replaced in one step.

The trap: two threads or processes that read, change and write lose each other's token, and a service that rotates
refresh tokens takes only the newest; so every change is made under a lock, and a renewal under the user's own.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from tempfile import mkstemp
from typing import Any

from pydantic import AwareDatetime, SecretStr, TypeAdapter, ValidationError

from clients.errors import AuthenticationError

EARLY = timedelta(minutes=5)  # so long before its end a token is renewed (issue: "renewed 5 minutes early")
OWNER_ONLY = 0o600


@dataclass(frozen=True)
class Token:
    """What a service gave for one account.

    `authorized_at` is when the person consented, which renewals keep; None: not known. `refused_at` is when the
    service last refused to renew it, which may have been a mistake of the service.
    """

    access_token: SecretStr
    expires_at: AwareDatetime
    refresh_token: SecretStr | None = None
    scope: tuple[str, ...] = ()
    authorized_at: AwareDatetime | None = None
    refused_at: AwareDatetime | None = None

    def is_valid(self, now: datetime, early: timedelta = EARLY) -> bool:
        """Whether the access token lives for more than `early`."""
        return now < self.expires_at - early


_TOKENS = TypeAdapter(dict[str, Token])


class TokenFileError(AuthenticationError):
    """The token file cannot be read, understood or written; it stays as it is."""

    remedy = "Repair it, or move it away and connect the accounts again with `auth`."


class TokenStore:
    """Tokens by user in the JSON file `path` (mode 0600), shared by threads and processes of this machine.

    Nothing is kept in memory: each call sees what the others wrote. A file that is not there holds no tokens; any
    other flaw raises TokenFileError from every method. Its folder also gets lock files (`.lock*<name>`), which stay.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)

    def get(self, user: str) -> Token | None:
        return self._read().get(user)

    def users(self) -> list[str]:
        return sorted(self._read())

    def put(self, user: str, token: Token) -> None:
        """Store the token of a user in place of any other."""
        with self._lock(""):
            self._write(self._read() | {user: token})

    def remove(self, user: str) -> bool:
        """Forget the token of a user; False if there was none."""
        with self._lock(""):
            tokens = self._read()
            if user not in tokens:
                return False
            del tokens[user]
            self._write(tokens)
            return True

    @contextmanager
    def renewing(self, user: str) -> Iterator[None]:
        """Hold this while a token is renewed: read it anew inside, then put. Waits for others who renew this user's.

        It may be held as long as a request lasts, which is why it is not the lock of the file. Not reentrant.
        """
        with self._lock("-" + sha256(user.encode()).hexdigest()[:12]):
            yield

    @contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        # Each opening is a lock holder of its own, so flock keeps threads apart as well as processes.
        beside = self.path.with_name(f".lock{name}{self.path.name}")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, OWNER_ONLY)
        except OSError as error:
            raise self._error("cannot be locked", error) from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
        finally:
            os.close(file)

    def _read(self) -> dict[str, Token]:
        try:
            return _TOKENS.validate_json(self.path.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise self._error("cannot be read", error) from None
        except ValidationError:
            pass  # raised below: the exception quotes the file, tokens and all, and must not be chained
        raise self._error("is damaged")

    def _write(self, tokens: dict[str, Token]) -> None:
        text = json.dumps({user: vars(token) for user, token in tokens.items()}, indent=2, default=_plain)
        temporary = ""
        try:
            # Both names end like the file's own, so that one line of .gitignore covers all three.
            descriptor, temporary = mkstemp(dir=self.path.parent, prefix=".new", suffix=self.path.name)  # mode 0600
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text + "\n")
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, self.path)
        except OSError as error:
            with suppress(OSError):
                os.unlink(temporary)
            raise self._error("cannot be written", error) from None

    def _error(self, flaw: str, cause: OSError | None = None) -> TokenFileError:
        reason = f" ({cause.strerror})" if cause else ""
        return TokenFileError(f"The token file {self.path} {flaw}{reason}")


def _plain(value: Any) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    assert isinstance(value, datetime)
    return value.isoformat()
