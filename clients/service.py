"""What a service is opened with: its own settings, and what the clients of all services share.

A source declares both in its module: a ServiceSettings with its fields, what makes them complete, and its client.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict

from clients.clock import SYSTEM_CLOCK, Clock
from clients.errors import MissingCredentialError
from clients.http import DEFAULT_RETRY, TIMEOUT, RetryPolicy
from clients.limits import Limiter, Rate


def _address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("give an address such as https://host/path")
    return value.rstrip("/")


def _listed(value: Any) -> Any:
    """`5, 6` as a list."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Address = Annotated[str, AfterValidator(_address)]
Ids = Annotated[tuple[int, ...], BeforeValidator(_listed)]


@dataclass(frozen=True)
class Shared:
    """What all clients of a run are opened with; `folder` is where relative paths begin."""

    folder: Path
    clock: Clock = SYSTEM_CLOCK
    timeout: tuple[float, float] = TIMEOUT
    max_retries: int = DEFAULT_RETRY.attempts - 1
    longest_wait: float = DEFAULT_RETRY.longest_wait

    def limiter(self, *rates: Rate) -> Limiter:
        return Limiter(*rates, clock=self.clock)

    def retry(self, max_retries: int | None = None) -> RetryPolicy:
        retries = self.max_retries if max_retries is None else max_retries
        return RetryPolicy(attempts=retries + 1, longest_wait=self.longest_wait)

    def path(self, text: str) -> Path:
        return self.folder / Path(text).expanduser()


class ServiceSettings(BaseModel):
    """The settings of one service; an empty one counts as not set. Addresses are the fields named `*_url`."""

    model_config = ConfigDict(extra="forbid")

    def client(self, shared: Shared) -> Any:
        """The client that the source's feeds take. Raises MissingCredentialError, or the client does when asked."""
        raise NotImplementedError

    def is_complete(self, shared: Shared, *, for_accounts: bool) -> bool:  # noqa: ARG002
        """Whether there is what the service needs, good or not; `for_accounts`, to fetch listeners' accounts."""
        return True

    def missing(self) -> MissingCredentialError:
        """The service's own error where that is not so."""
        return MissingCredentialError()

    @property
    def addresses(self) -> list[str]:
        """Where requests go."""
        fields = [name for name in type(self).model_fields if name.rpartition("_")[2] == "url"]
        return [address for name in fields if (address := getattr(self, name))]
