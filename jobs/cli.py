"""The one command line: a person, a DAG and a test type the same verbs. Exit codes: 0 good, 1 failed, 2 wrong call,
3 partial (some account or source could not be fetched; what could be was published)."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from clients.errors import ClientError
from clients.exports.errors import ExportError
from jobs.commands.accounts import accounts_app
from jobs.commands.auth import auth
from jobs.commands.beatport import beatport_app
from jobs.commands.choices import (
    BLOCK_EXAMPLE,
    BLOCKED_EXAMPLE,
    UNBLOCK_EXAMPLE,
    block,
    blocked,
    privacy_app,
    unblock,
)
from jobs.commands.feedback import feedback
from jobs.commands.identities import identities_app
from jobs.commands.ingest import fetch, ingest
from jobs.commands.matches import EXAMPLES as MATCHES_EXAMPLES
from jobs.commands.matches import matches
from jobs.commands.mood import mood_app
from jobs.commands.playback import queue
from jobs.commands.recommend import recommend
from jobs.commands.train import train_app
from jobs.plan import IMPORT_FORMATS, stages
from jobs.runtime.errors import MoodlakeError, UsageError
from jobs.runtime.settings import NO_DOTENV, Settings
from jobs.terminal import FAILED, PARTIAL, WRONG_CALL, err, open_lake, out, steps

if TYPE_CHECKING:
    from jobs.importing import Report, Request
    from jobs.runtime.lake import Lake
    from jobs.runtime.ops import Outcome

FORMATS = ", ".join(f.format for f in IMPORT_FORMATS)

app = typer.Typer(
    help="Moodlake: your listening history as a lakehouse. Without a verb it runs the nightly job.",
    no_args_is_help=False,
    add_completion=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
users_app = typer.Typer(
    help="Listeners: list them, set how they are shown and where they live, block one from another.",
    rich_markup_mode=None,
)
app.add_typer(users_app, name="users")
app.add_typer(accounts_app, name="accounts")
app.add_typer(beatport_app, name="beatport")
app.add_typer(train_app, name="train")
app.add_typer(identities_app, name="identities")
app.add_typer(mood_app, name="mood")
app.add_typer(privacy_app, name="privacy")

AsOf = Annotated[
    str | None, typer.Option("--as-of", metavar="YYYY-MM-DD", help="The date periods end on; today (UTC).")
]
From = Annotated[str | None, typer.Option("--from", metavar="YYYY-MM-DD", help="First day, inclusive (UTC).")]
To = Annotated[str | None, typer.Option("--to", metavar="YYYY-MM-DD", help="Last day, exclusive (UTC).")]
Full = Annotated[bool, typer.Option("--full", help="Rebuild every table with the same code.")]


def main() -> None:
    """Run the command line; failures that a person can mend end in one line."""
    try:
        code = app(standalone_mode=False)  # not standalone, it returns the code of typer.Exit
        sys.exit(code if isinstance(code, int) else 0)
    except UsageError as error:
        _complain(error)
        sys.exit(WRONG_CALL)
    except (MoodlakeError, ExportError, ClientError) as error:
        _complain(error)
        sys.exit(FAILED)
    except typer.Abort:
        sys.exit(FAILED)
    except Exception as error:
        if hasattr(error, "format_message") and hasattr(error, "exit_code"):  # a wrong call, as click tells it
            error.show()  # type: ignore[attr-defined]
            sys.exit(WRONG_CALL)
        told = explained(error)
        if told is None:
            raise
        _complain(told)
        sys.exit(FAILED)


def explained(error: BaseException) -> str | None:
    """One line for failures that come from the machine, not from us; None where there is none."""
    text = str(error)
    if "No space left on device" in text or "ENOSPC" in text:
        return "the disk is full: free some space and run the same command again, nothing half-done was published"
    if "java.lang.OutOfMemoryError" in text:
        return "Spark ran out of memory: raise SPARK__DRIVER_MEMORY (such as 8g) and run the same command again"
    return None


@app.callback(invoke_without_command=True)
def nightly_by_default(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        run()


@app.command(epilog="Example: run_ingestion.py run --as-of 2026-11-20")
def run(as_of: AsOf = None, full: Full = False) -> None:
    """The nightly job: fetch what is new, bring silver and gold up to date, check, publish."""
    asked = _day(as_of, "--as-of")
    with open_lake("run", writes=True) as (lake, settings):
        fetched = fetch(lake, settings, asked or _as_of_date(lake))
        _run(lake, settings, asked, full, only=())
        _summary(lake)
    if fetched and fetched.is_partial:
        raise typer.Exit(PARTIAL)


@app.command(epilog="Example: run_ingestion.py build --stage silver")
def build(
    stage: Annotated[str, typer.Option("--stage", help=f"One of: {', '.join(stages())}.")],
    as_of: AsOf = None,
    full: Full = False,
    since: From = None,
    until: To = None,
) -> None:
    """Build one stage of the plan, as a scheduler's task does; with --from and --to rebuild these event days."""
    if stage not in stages():
        raise UsageError(f"no stage {stage!r}; the plan has {', '.join(stages())}")
    window, asked = _window(since, until), _day(as_of, "--as-of")
    with open_lake(f"build --stage {stage}", writes=True) as (lake, settings):
        _run(lake, settings, asked, full, only=(stage,), window=window)


@app.command(epilog="Example: run_ingestion.py backfill --from 2026-01-01 --to 2026-02-01")
def backfill(since: From = None, until: To = None) -> None:
    """Rebuild the plays of a window from bronze, and what their differences touch; moves no watermark and no date."""
    window = _window(since, until)
    if window is None:
        raise UsageError("backfill needs its window: --from YYYY-MM-DD --to YYYY-MM-DD")
    with open_lake("backfill", writes=True) as (lake, settings):
        _run(lake, settings, None, full=False, only=(), window=window)
        _summary(lake)


@app.command(
    "import",
    epilog="Examples: run_ingestion.py import spotify-extended my_spotify_data.zip --user anna  |  "
    "run_ingestion.py import csv plays.csv --label diary --time-zone Europe/Berlin --dry-run",
)
def import_(
    format: Annotated[str, typer.Argument(metavar="FORMAT", help=f"One of: {FORMATS}.")],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="File, folder or zip.")],
    user: Annotated[
        str | None, typer.Option("--user", help="Whose history it is, where the file does not say.")
    ] = None,
    since: From = None,
    until: To = None,
    label: Annotated[str, typer.Option("--label", help="csv: names the feed csv:LABEL.")] = "file",
    delimiter: Annotated[str | None, typer.Option("--delimiter", help="csv: found by itself unless given.")] = None,
    encoding: Annotated[str | None, typer.Option("--encoding", help="UTF-8 or what a BOM says unless given.")] = None,
    time_zone: Annotated[str, typer.Option("--time-zone", help="csv: of times without an offset.")] = "UTC",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Account for every record, store nothing.")] = False,
) -> None:
    """Import a listening history or the track catalogue from a file."""
    from jobs.importing import Request, checked, import_file

    request = checked(
        Request(
            format=format,
            path=path,
            user=user,
            since=_day(since, "--from"),
            until=_day(until, "--to"),
            label=label,
            delimiter=delimiter,
            encoding=encoding,
            time_zone=time_zone,
            dry_run=dry_run,
        )
    )
    if not path.exists():
        raise UsageError(f"there is no file or folder {path.name!r} at the path given")
    with open_lake(f"import {format}", writes=True) as (lake, settings), _reading(settings, request) as progress:
        report = import_file(lake, settings, request, progress)
    print_report(report, out)


@app.command()
def demo(
    out_dir: Annotated[Path, typer.Option("--sample", help="Where the sample world goes.")] = Path("data/sample"),
    seed: Annotated[int, typer.Option("--seed", help="Another seed is another world.")] = 7,
) -> None:
    """Make a sample world, import it, run the night and show the moods. What `make run` does."""
    from jobs.demo import fill_with_sample_world

    os.environ[NO_DOTENV] = "1"  # a demo needs no credentials, so it must not see any
    with open_lake("demo", writes=True) as (lake, settings):
        fill_with_sample_world(lake, settings, out_dir, seed, out)
        _run(lake, settings, None, full=False, only=())
        _summary(lake)
        _next_steps(lake)


@app.command()
def status() -> None:
    """Tables, rows, versions, last runs, watermarks, accounts and their gaps, and what was quarantined and why."""
    from jobs.status import print_status

    with open_lake("status", writes=False) as (lake, _):
        print_status(lake, out)


@app.command()
def check(as_of: AsOf = None) -> None:
    """All contracts and checks against the lake as it stands; exit code 1 where one that may not fail is broken."""
    from jobs.checking import check_lake, print_verdicts

    asked = _day(as_of, "--as-of")
    with open_lake("check", writes=False) as (lake, _):
        verdicts = check_lake(lake, asked or _as_of_date(lake))
        print_verdicts(verdicts, out)
    if any(not v.holds and v.metric.severity == "fail" for v in verdicts):
        raise typer.Exit(FAILED)


@app.command()
def docs(
    to: Annotated[Path, typer.Option("--to", help="Where the dictionary is written.")] = Path("docs/dictionary.md"),
    settings: Annotated[Path, typer.Option("--settings", help="Where the settings are.")] = Path(".env.example"),
) -> None:
    """Write what follows from the code: the data dictionary of the contracts, and all settings with their defaults."""
    from jobs.runtime.settings import example
    from schemas.dictionary import dictionary

    for path, text in ((to, dictionary()), (settings, example())):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        out.print(f"wrote {path}", markup=False)


@users_app.command("list")
def users_list() -> None:
    """The listeners and where they live."""
    from jobs.people import print_users

    with open_lake("users list", writes=False) as (lake, _):
        print_users(lake, out)


@users_app.command("set", epilog="Example: run_ingestion.py users set anna --time-zone Europe/Berlin --country DE")
def users_set(
    user: Annotated[str, typer.Argument(help="The listener's name, as given to import.")],
    display_name: Annotated[str | None, typer.Option("--display-name", help="What reports call the listener.")] = None,
    country: Annotated[str | None, typer.Option("--country", help="ISO 3166-1 alpha-2, such as DE.")] = None,
    time_zone: Annotated[str | None, typer.Option("--time-zone", help="IANA name, such as Europe/Berlin.")] = None,
) -> None:
    """Set a listener's display name, country or time zone; the next run follows."""
    from jobs.people import UserSettings, set_users

    with open_lake("users set", writes=True) as (lake, _):
        set_users(lake, [UserSettings(user, display_name, country, time_zone)])


app.command(
    "auth",
    epilog="Examples: run_ingestion.py auth spotify --user anna  |  run_ingestion.py auth spotify --status  |  "
    "run_ingestion.py auth beatport --token < token.json",
    context_settings={"allow_extra_args": True},
)(auth)
app.command(
    "ingest",
    epilog="Examples: run_ingestion.py ingest  |  run_ingestion.py ingest lastfm_scrobbles --users anna --limit 50  |  "
    "run_ingestion.py ingest lastfm_scrobbles --start 2024-01-01 --end 2024-02-01",
)(ingest)
users_app.command("block", epilog=BLOCK_EXAMPLE)(block)
users_app.command("unblock", epilog=UNBLOCK_EXAMPLE)(unblock)
users_app.command("blocked", epilog=BLOCKED_EXAMPLE)(blocked)
app.command(
    "feedback",
    epilog="Examples: run_ingestion.py feedback spotify:track:4cOdK2wGLETKBW3PvgPWqT --user anna --like  |  "
    "run_ingestion.py feedback 'Björk - Jóga' --user anna --dislike  |  run_ingestion.py feedback --user anna",
)(feedback)
app.command("matches", epilog=MATCHES_EXAMPLES)(matches)
app.command(
    "recommend",
    epilog="Examples: run_ingestion.py recommend --user anna  |  run_ingestion.py recommend --user anna "
    "--mood happy=.7,relaxed=.3 --limit 20 --queue  |  run_ingestion.py recommend --user anna --list rediscover",
)(recommend)
app.command("queue", epilog="Example: run_ingestion.py queue spotify:track:4cOdK2wGLETKBW3PvgPWqT --user anna")(queue)


def print_report(report: Report, console: Console) -> None:
    """The account of an import, so that it visibly adds up."""
    title = f"{report.format}: {report.attempted:,} records" + (" (dry run, nothing stored)" if report.dry_run else "")
    console.print(title)
    rows = [
        ("would be stored" if report.dry_run else "stored", report.stored, ""),
        ("duplicate", report.duplicate, ""),
        ("skipped by policy", report.skipped.total(), _reasons(report.skipped)),
        ("quarantined", report.quarantined.total(), _reasons(report.quarantined)),
    ]
    for name, count, reasons in rows:
        console.print(f"  {count:>12,}  {name}{reasons}")


def _reasons(counts: dict[str, int]) -> str:
    return f" ({', '.join(f'{name} {count:,}' for name, count in sorted(counts.items()))})" if counts else ""


def _run(
    lake: Lake,
    settings: Settings,
    as_of: date | None,
    full: bool,
    only: tuple[str, ...],
    window: tuple[date, date] | None = None,
) -> None:
    from jobs.groups import Run
    from jobs.runner import execute
    from jobs.runtime.ops import new_run_id

    run = Run(new_run_id(), as_of or _as_of_date(lake, is_backfill=window is not None), full, window)
    with steps() as progress:
        outcomes = execute(lake, settings, run, only=only, progress=progress)
    _tell(outcomes)
    if any(outcome.status == "failed" for outcome in outcomes):
        raise typer.Exit(FAILED)
    if any(outcome.status == "partial" for outcome in outcomes):
        raise typer.Exit(PARTIAL)


def _tell(outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        if outcome.tables:
            told = f"{len(set(outcome.tables))} tables written, {outcome.rows_written:,} rows"
        elif outcome.status == "ok":
            told = "nothing new"
        else:
            told = "; ".join(outcome.messages)
        out.print(f"{outcome.stage}: {outcome.status}, {told}", markup=False)


def _as_of_date(lake: Lake, *, is_backfill: bool = False) -> date:
    """Today, but never earlier than what is published; a backfill stays at what is published."""
    published = lake.last_commit("gold.user_mood_profiles")
    today = datetime.now(UTC).date()
    if published is None or not published.as_of_date:
        return today
    newest = date.fromisoformat(published.as_of_date)
    return newest if is_backfill else max(today, newest)


def _window(since: str | None, until: str | None) -> tuple[date, date] | None:
    """A half-open window of UTC days, None where neither end is given."""
    first, end = _day(since, "--from"), _day(until, "--to")
    if first is None and end is None:
        return None
    if first is None or end is None or first >= end:
        raise UsageError("give both --from and --to, and --from before --to: the window is [from, to)")
    return first, end


def _day(text: str | None, option: str) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r}: give a day as YYYY-MM-DD") from None


@contextmanager
def _reading(settings: Settings, request: Request) -> Iterator[Callable[[int], None]]:
    """A progress bar over the file's bytes on a terminal."""
    from clients.exports import READERS
    from jobs.importing import limits_of

    if not err.is_terminal:
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=err, transient=True) as bar:
        total = READERS[request.format].total_bytes(request.path, limits=limits_of(settings))
        task = bar.add_task(f"reading {request.format}", total=total)
        yield lambda read: bar.advance(task, read)


def _summary(lake: Lake) -> None:
    from jobs.summary import print_coverage, print_profiles

    print_profiles(lake, out)
    print_coverage(lake, out)


def _next_steps(lake: Lake) -> None:
    out.print()
    out.print(f"The lake is at {lake.root}", markup=False, soft_wrap=True)
    out.print(
        "Next: run_ingestion.py import spotify-extended my_spotify_data.zip --user YOU, then run_ingestion.py run"
    )
    out.print(
        "      run_ingestion.py matches --user NAME | recommend --user NAME | status | --help    (docs/dictionary.md)"
    )


def _complain(error: object) -> None:
    err.print(f"moodlake: {error}", markup=False, soft_wrap=True)
