"""The sandbox's services as the command line meets them: a small world, and the variables that lead to it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from pydantic import SecretStr

from clients.auth.token_store import Token, TokenStore
from sandbox.services.server import Sandbox
from sandbox.world import World, make_world

END = date(2026, 10, 31)
NOW = datetime(2026, 10, 20, 12, tzinfo=UTC)


@cache
def small_world() -> World:
    return make_world(seed=7, listeners=6, days=40, end=END)


def environment(box: Sandbox, folder: Path) -> dict[str, str]:
    """Every address and credential that a `.env` would have; token files go to `folder`, and nothing is tried again."""
    return box.settings() | {
        "SPOTIFY_API_URL": f"{box.url('spotify')}/v1",
        "SPOTIFY_ACCOUNTS_URL": box.url("spotify-accounts"),
        "SPOTIFY_REDIRECT_URI": "http://127.0.0.1/callback",
        "SPOTIFY_TOKEN_FILE": str(folder / ".spotify_tokens.json"),
        "SPOTIFY_MAX_RETRIES": "0",
        "LASTFM_API_URL": box.url("lastfm"),
        "LISTENBRAINZ_API_URL": box.url("listenbrainz"),
        "RECCOBEATS_API_URL": box.url("reccobeats"),
        "LYRICS_LRCLIB_URL": box.url("lrclib"),
        "LYRICS_OVH_URL": box.url("lyricsovh"),
        "KAGGLE_API_URL": box.url("kaggle"),
        "BEATPORT_API_URL": f"{box.url('beatport')}/v4",
        "BEATPORT_SPACING_SECONDS": "0.01",
        "BEATPORT_TOKEN_FILE": str(folder / ".beatport_tokens.json"),
        "BEATPORT_CACHE_DIR": str(folder / ".beatport_cache"),
        "HTTP__MAX_RETRIES": "0",
        "LAKE__ROOT": str(folder / "lake"),
    }


def give_token(box: Sandbox, folder: Path, user: str, *, name: str = "") -> None:
    """Store the Spotify token of a listener as an earlier consent left it: to be renewed at its first use."""
    refresh = SecretStr(box.account(user, "spotify").credentials["refresh_token"])
    authorized_at = box.clock.now()
    token = Token(SecretStr("stale"), authorized_at, refresh, authorized_at=authorized_at)
    TokenStore(folder / ".spotify_tokens.json").put(name or user, token)
