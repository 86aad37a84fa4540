"""`ingest`: fetch from the services what is new, or one stream, a window, a quick look."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from clients.errors import MissingCredentialError
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
            help=f"A quick look: the newest so many of each account, such as {QUICK_LOOK}; moves no watermark.",
        ),
    ] = None,
) -> None:
    """Fetch from the services into bronze. Without arguments everything that is new, as the night does."""
    from jobs.ingesting import Asked

    asked = Asked(
        streams=tuple(streams or ()),
        users=tuple(name.strip() for name in (users or "").split(",") if name.strip()),
        start=_moment(start, "--start"),
        end=_moment(end, "--end"),
        limit=limit,
    )
    if asked.start and asked.end and asked.start >= asked.end:
        raise UsageError("--start must lie before --end: the window is [start, end)")
    with open_lake("ingest", writes=True) as (lake, settings):
        if CATALOGUE in asked.streams:
            download(lake, settings)
            asked = replace(asked, streams=tuple(name for name in asked.streams if name != CATALOGUE))
            if not asked.streams:
                return
        report = fetch(lake, settings, datetime.now(UTC).date(), asked)
    if report.outcome.status == "partial":
        raise typer.Exit(PARTIAL)


def download(lake: Lake, settings: Settings) -> None:
    """Download the track catalogue from Kaggle and import it. Raises a ClientError."""
    from jobs.catalogue import download_catalogue
    from jobs.runtime.settings import absolute_path
    from jobs.services import Services

    report = download_catalogue(lake, settings, Services(settings), absolute_path(CATALOGUE_FOLDER))
    out.print(f"bronze.{CATALOGUE}: {report.attempted:,} rows downloaded, {report.stored:,} new")


def fetch(lake: Lake, settings: Settings, as_of_date: date, asked: Asked | None = None) -> Report:
    """Ingest, and say what came and what did not."""
    from jobs.ingesting import Asked
    from jobs.ingesting import ingest as ingest_
    from jobs.runtime.ops import new_run_id
    from jobs.services import Services

    services = Services(settings)
    out.print(f"calling as accounts and tracks need it: {', '.join(services.called_hosts())}", soft_wrap=True)
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
    if settings.spotify.client_id is None:  # without an app of theirs there is nothing to agree to
        return report
    missing = [result.connected.account for result in report.troubles if result.connected and _lacks_consent(result)]
    agreed = offer_consent(services, list(dict.fromkeys(account.credential or account.user for account in missing)))
    if agreed:
        users = tuple(account.user for account in missing if (account.credential or account.user) in agreed)
        return fetch(lake, settings, as_of_date, replace(asked or Asked(), users=users))
    return report


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
