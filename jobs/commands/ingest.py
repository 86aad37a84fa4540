"""`ingest`: fetch from the services what is new, or one stream, a window, a quick look."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from clients.errors import ClientError, MissingCredentialError
from jobs.commands.auth import offer_consent
from jobs.plan import INGESTS, LYRIC_SCORES
from jobs.runtime.errors import UsageError
from jobs.terminal import PARTIAL, open_lake, out, steps

if TYPE_CHECKING:
    from datetime import date

    from jobs.fetching import Result
    from jobs.ingesting import Asked, Report
    from jobs.runtime.lake import Lake
    from jobs.runtime.settings import Settings
    from jobs.services import Services

CATALOGUE = "kaggle_tracks"  # no stream of changes: a data set, downloaded when it is asked for
STREAMS = ", ".join(dict.fromkeys([*(ingest.name for ingest in (*INGESTS, LYRIC_SCORES)), CATALOGUE]))
CATALOGUE_FOLDER = "data/downloads"
QUICK_LOOK, LONGEST_QUICK_LOOK = 50, 200  # as many as one page of Last.fm has


def ingest(
    streams: Annotated[
        list[str] | None, typer.Argument(metavar="[TABLE]...", help=f"All, or some of: {STREAMS}.")
    ] = None,
    start: Annotated[
        str | None, typer.Option("--start", help="From this UTC day or moment on; moves no watermark.")
    ] = None,
    end: Annotated[str | None, typer.Option("--end", help="Up to this UTC day or moment, exclusive.")] = None,
    users: Annotated[str | None, typer.Option("--users", help="Listeners by name, with commas between.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            min=1,
            max=LONGEST_QUICK_LOOK,
            help="A quick look at the newest so many of each account; moves no watermark.",
        ),
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help=f"The same as --limit {QUICK_LOOK}.")] = False,
) -> None:
    """Fetch from the services into bronze. Without arguments everything that is new, as the night does."""
    from jobs.ingesting import Asked

    asked = Asked(
        streams=tuple(streams or ()),
        users=tuple(name.strip() for name in (users or "").split(",") if name.strip()),
        start=_moment(start, "--start"),
        end=_moment(end, "--end"),
        limit=limit or (QUICK_LOOK if quick else None),
    )
    if asked.start and asked.end and asked.start >= asked.end:
        raise UsageError("--start must lie before --end: the window is [start, end)")
    with open_lake("ingest", writes=True) as (lake, settings):
        is_partial = CATALOGUE in asked.streams and not download(lake, settings)
        others = tuple(name for name in asked.streams if name != CATALOGUE)
        if others or not asked.streams:
            report = fetch(lake, settings, datetime.now(UTC).date(), replace(asked, streams=others))
            is_partial |= report is not None and report.is_partial
    if is_partial:
        raise typer.Exit(PARTIAL)


def download(lake: Lake, settings: Settings) -> bool:
    """Download the track catalogue from Kaggle and import it; False where Kaggle did not give it."""
    from jobs.catalogue import download_catalogue
    from jobs.runtime.settings import absolute_path
    from jobs.services import Services

    try:
        report = download_catalogue(lake, settings, Services(settings), absolute_path(CATALOGUE_FOLDER))
    except ClientError as error:
        out.print(f"{CATALOGUE}: {error}", markup=False, soft_wrap=True)
        return False
    out.print(f"bronze.{CATALOGUE}: {report.attempted:,} rows downloaded, {report.stored:,} new")
    return True


def fetch(lake: Lake, settings: Settings, as_of_date: date, asked: Asked | None = None) -> Report | None:
    """Ingest, and say what came and what did not. None, and a word, where nobody asked for a service."""
    from jobs.ingesting import Asked
    from jobs.ingesting import ingest as ingest_
    from jobs.runtime.ops import new_run_id
    from jobs.services import Services

    services, asked = Services(settings), asked or Asked()
    if asked == Asked() and (why_not := _why_nothing_is_asked(lake, services)):
        out.print(f"ingest: {why_not}", soft_wrap=True)
        return None
    out.print(f"calling as accounts and tracks need it: {', '.join(services.called_hosts())}", soft_wrap=True)

    def fetched(asked: Asked) -> Report:
        with steps() as progress:
            report = ingest_(
                lake,
                settings,
                services,
                new_run_id(),
                as_of_date,
                asked,
                progress,
                is_configured=services.is_configured,
            )
        tell(report)
        return report

    report = fetched(asked)
    _warn_of_ending_consents(services)
    missing = [result for result in report.troubles if result.connected and _lacks_consent(result)]
    accounts = list(dict.fromkeys(result.connected.account for result in missing if result.connected))
    # Without an app of theirs there is nothing to agree to.
    agreed = offer_consent(services, accounts) if settings.spotify.client_id else []
    if not agreed:
        return report
    again = fetched(
        replace(
            asked,
            streams=tuple(dict.fromkeys(result.ingest.name for result in missing)),
            users=tuple(dict.fromkeys(account.user for account in agreed)),
        )
    )
    mended = [result for result in missing if result.connected and result.connected.account in agreed]
    again.troubles += [result for result in report.troubles if result not in mended]
    again.waiting += report.waiting
    return again


def _why_nothing_is_asked(lake: Lake, services: Services) -> str:
    """Why a fetch of everything asks nobody: nobody connected an account or set a key, or it is the sample's lake."""
    if lake.is_sample:
        return "no service is asked about the sample world; LAKE__ROOT=data/mine begins a lake of your own"
    if lake.exists("ops.connections") and not lake.read("ops.connections").isEmpty():
        return ""
    if services.has_credential():
        return ""
    return "no account is connected and no key is set, so no service is asked"


def _warn_of_ending_consents(services: Services) -> None:
    with suppress(ClientError):  # a token file that cannot be read has been told by then
        for name in services.spotify.user_auth.users():
            if warning := services.spotify.user_auth.expiry_warning(name):
                out.print(warning, markup=False, soft_wrap=True)


def _lacks_consent(result: Result) -> bool:
    return result.ingest.source == "spotify" and isinstance(result.error, MissingCredentialError)


def tell(report: Report) -> None:
    """A line a stream, then what went wrong and what to do; names are for the terminal alone."""
    counts = report.counts
    for table, count in counts.fetched.items():
        if count:
            quarantined = f", {counts.quarantined[table]:,} quarantined" if counts.quarantined[table] else ""
            out.print(f"{table}: {count:,} records fetched, {counts.stored[table]:,} new or changed{quarantined}")
    if not any(counts.fetched.values()):
        out.print(f"ingest: {report.outcome.status}, nothing new")
    if report.gap_count:
        out.print(f"{report.gap_count} spans in which plays may be missing: see ops.gaps; an export fills them")
    for stream in dict.fromkeys(f"{ingest.name} from {ingest.source}" for ingest in report.waiting):
        out.print(f"{stream}: not asked yet, the service asked to be left alone for a while")
    for result in report.troubles:
        whose = f" of {result.connected.account.user}" if result.connected else ""
        if result.is_closed:
            out.print(f"{result.ingest.source} does not offer {result.ingest.name} to this application", soft_wrap=True)
        else:
            out.print(f"{result.ingest.name}{whose}: {result.error}", markup=False, soft_wrap=True)


def _moment(text: str | None, option: str) -> datetime | None:
    """A UTC day or moment in ISO 8601."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r}: give a day or a moment, such as 2026-11-20 or 2026-11-20T18:00") from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
