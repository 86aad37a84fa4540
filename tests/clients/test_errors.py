"""Every error says its service and what to do next, survives pickling, and mixes with a service's own classes."""

from __future__ import annotations

import pickle

import pytest

from clients import errors
from clients.errors import AuthenticationError, ClientError, QuotaError, RateLimitError

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, ClientError)]


class BeatportError(ClientError):
    service = "Beatport"


class BeatportAuthError(BeatportError, AuthenticationError):
    pass


class BeatportRateLimitError(BeatportError, RateLimitError):
    pass


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_message_ends_with_its_remedy(kind: type[ClientError]) -> None:
    assert str(kind("No Last.fm API key found")) == f"No Last.fm API key found. {kind.remedy}"
    assert str(kind("Gone!", service="S", remedy="Do this.")) == "Gone! Do this."


def test_a_services_own_error_is_both() -> None:
    error = BeatportRateLimitError("slow down", retry_after=7)
    assert isinstance(error, RateLimitError)
    assert (error.service, error.retry_after) == ("Beatport", 7)
    assert isinstance(BeatportAuthError("no"), AuthenticationError)
    assert BeatportAuthError("no").remedy == AuthenticationError.remedy


def test_an_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(QuotaError("used up", service="Spotify", remedy="Wait.", retry_after=86_000)))
    assert (str(error), error.service, error.retry_after) == ("used up. Wait.", "Spotify", 86_000)
