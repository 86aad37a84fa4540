"""Fill an empty lake with the sandbox's sample world, by the ways that a person's own history takes.

Some listeners bring an export, others connect an account: theirs is fetched over HTTP from the sandbox's services,
which behave as the real ones do towards a new application.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from pydantic import SecretStr
from rich.console import Console

from clients.auth.token_store import Token
from jobs.accounts import add_connection, connections, remove_connection
from jobs.catalogue import download_catalogue
from jobs.commands.ingest import tell
from jobs.importing import Report, Request, import_file
from jobs.ingesting import ingest
from jobs.people import UserSettings, set_users
from jobs.runtime.lake import SAMPLE_MARK, Lake
from jobs.runtime.ops import new_run_id
from jobs.runtime.settings import Settings
from jobs.services import Services
from sandbox.services.accounts import Account
from sandbox.services.server import Sandbox
from sandbox.world import ImportEntry, generate, make_world

CONNECTED_EVERY = 3  # of the listeners with an export of their own: so often one connects an account instead
SOURCES = ("spotify", "lastfm", "listenbrainz")
SAMPLE_LYRICS = 60  # at 5 a second and as many scores: a demonstration is not to be waited for


def fill_with_sample_world(
    lake: Lake,
    settings: Settings,
    sample: Path,
    seed: int,
    console: Console,
    *,
    listeners: int = 30,
    days: int = 120,
) -> None:
    """Import and fetch the world; a lake that holds a person's own history is left alone."""
    if lake.exists("ops.accounts") and not lake.is_sample:
        console.print("This lake holds imported history of its own: no sample world is added.")
        return
    seed, end = _world_of(lake, seed)
    world = generate(sample, seed=seed, listeners=listeners, days=days, end=end)
    with Sandbox(make_world(seed=seed, listeners=listeners, days=days, end=end)) as box:
        accounts = _accounts(box, world.imports)
        connected = {account.user for account in accounts}
        exports = [x for x in world.imports if x.format != "kaggle-tracks" and x.user not in connected]
        for number, entry in enumerate(exports, start=1):
            label = entry.options.get("label", "file")
            request = Request(entry.format, sample / entry.path, user=entry.user, label=label)
            _say(console, f"[{number}/{len(exports)}]", import_file(lake, settings, request))

        through = _through(settings, box, sample)
        services = Services(through)
        _say(console, "[catalogue over HTTP]", download_catalogue(lake, through, services, sample / "kaggle"))
        try:
            for account in accounts:
                add_connection(lake, account.user, account.service, account.source_user)
                if account.service == "spotify":
                    services.spotify.user_auth.store.put(account.user, _token(account))
            console.print(f"{len(accounts)} accounts connected; fetching from {box.url()}")
            today = datetime.now(UTC).date()
            tell(ingest(lake, through, services, new_run_id(), today, is_configured=services.is_configured))
        finally:  # the next run must not ask the real services for people that are made up
            for one in connections(lake):
                remove_connection(lake, one.user_name, one.source, one.source_user)
    people = [UserSettings(x.name, x.display_name, x.country, x.time_zone) for x in world.listeners]
    known = {row["user_name"] for row in lake.read("ops.accounts").select("user_name").collect()}
    set_users(lake, [one for one in people if one.user in known])


def _accounts(box: Sandbox, imports: Sequence[ImportEntry]) -> list[Account]:
    """One account each for some of the listeners whose export is theirs alone, of the services in turn.

    One, not all that they have: the same play from two services is one play only once silver merges feeds.
    """
    theirs: dict[str, dict[str, Account]] = defaultdict(dict)
    for account in box.accounts():
        theirs[account.user][account.service] = account
    alone = [entry.user for entry in imports if entry.user is not None]
    chosen = []
    for number, user in enumerate(alone[::CONNECTED_EVERY]):
        wanted = SOURCES[number % len(SOURCES)]
        chosen.append(theirs[user].get(wanted) or theirs[user]["spotify"])
    return chosen


def _through(settings: Settings, box: Sandbox, folder: Path) -> Settings:
    """The settings with every service in the sandbox, as a `.env` would name real ones."""
    told = box.settings()
    services: dict[str, dict[str, str]] = {
        "spotify": {
            "client_id": told["SPOTIFY_CLIENT_ID"],
            "client_secret": told["SPOTIFY_CLIENT_SECRET"],
            "api_url": f"{box.url('spotify')}/v1",
            "accounts_url": box.url("spotify-accounts"),
            "token_file": str(folder.resolve() / ".spotify_tokens.json"),
        },
        "lastfm": {"api_key": told["LASTFM_API_KEY"], "api_url": box.url("lastfm")},
        "listenbrainz": {"api_url": box.url("listenbrainz")},
        "reccobeats": {"api_url": box.url("reccobeats")},
        "lyrics": {"lrclib_url": box.url("lrclib"), "ovh_url": box.url("lyricsovh")},
        # A token goes before whatever the kaggle package finds on this machine.
        "kaggle": {"api_token": box.kaggle.token, "api_url": box.url("kaggle")},
        "ai": {"api_url": box.url("ai")},
        "beatport": {  # off, as it is until somebody logs in; never this machine's own token
            "api_url": f"{box.url('beatport')}/v4",
            "token_file": str(folder.resolve() / ".beatport_tokens.json"),
        },
    }
    made = {name: type(getattr(settings, name)).model_validate(own) for name, own in services.items()}
    made["ingest"] = settings.ingest.model_copy(update={"one_by_one_per_run": SAMPLE_LYRICS})
    return settings.model_copy(update=made)


def _token(account: Account) -> Token:
    """As an earlier consent left it: to be renewed at its first use."""
    now = datetime.now(UTC)
    refresh = SecretStr(account.credentials["refresh_token"])
    return Token(SecretStr("stale"), now, refresh, authorized_at=now)


def _say(console: Console, head: str, report: Report) -> None:
    console.print(
        f"{head} {report.format}: {report.attempted:,} records, {report.stored:,} stored, "
        f"{report.duplicate:,} duplicate, {report.skipped.total():,} skipped, "
        f"{report.quarantined.total():,} quarantined",
        markup=False,
        soft_wrap=True,
    )


def _world_of(lake: Lake, seed: int) -> tuple[int, date]:
    """Seed and last day of the lake's world: a second demo imports the same world, so nothing twice."""
    mark = f"{lake.root}/{SAMPLE_MARK}"
    if lake.is_sample:
        told = json.loads(lake.files.read_text(mark))
        return told["seed"], date.fromisoformat(told["end"])
    end = datetime.now(UTC).date() - timedelta(days=1)
    lake.files.write_text(mark, json.dumps({"seed": seed, "end": end.isoformat()}))
    return seed, end
