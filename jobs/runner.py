"""The runner: the stages of the plan in order, each group write-audit-publish, and what came of it in ops.runs."""

from __future__ import annotations

import structlog

from jobs.groups import GroupBuilder, Progress, Run
from jobs.plan import groups_of, stages
from jobs.runtime import ops
from jobs.runtime.errors import AuditError, ContractError
from jobs.runtime.lake import Lake
from jobs.runtime.ops import Outcome
from jobs.runtime.publish import recover
from jobs.runtime.settings import Settings

log = structlog.get_logger()


def execute(
    lake: Lake, settings: Settings, run: Run, *, only: tuple[str, ...] = (), progress: Progress = lambda _: None
) -> list[Outcome]:
    """Build the stages in order. A stage whose group fails its audit ends the run; what was published stays.

    Raises nothing for a failed audit: the outcome says `failed` and the stages after it `skipped`. Any other error
    is recorded in ops.runs, where the lake still takes it, and raised.
    """
    outcomes = [Outcome(stage) for stage in only or stages()]
    outcomes[0].messages += [f"completed {group.group_id}, which was interrupted" for group in recover(lake)]
    for place, outcome in enumerate(outcomes):
        if place and outcomes[place - 1].status != "ok":
            outcome.status = "skipped"
            outcome.messages.append("an earlier stage failed")
            ops.record_stage(lake, run.run_id, run.as_of_date, outcome, {})
            continue
        try:
            _build_stage(lake, settings, run, outcome, progress)
        except Exception as error:
            _record_death(lake, run, outcome, error)
            raise
    return outcomes


def _record_death(lake: Lake, run: Run, outcome: Outcome, error: Exception) -> None:
    """A stage that died of something unforeseen leaves its row; the error's text may hold data, its type does not."""
    outcome.status = "failed"
    outcome.messages.append(type(error).__name__)
    try:
        ops.record_stage(lake, run.run_id, run.as_of_date, outcome, {})
    except Exception as second:  # a full disk or a dead JVM: what it died of is raised by the caller
        log.error("the failed stage could not be recorded", stage=outcome.stage, error=type(second).__name__)


def _build_stage(lake: Lake, settings: Settings, run: Run, outcome: Outcome, progress: Progress) -> None:
    """Build the groups of a stage; the outcome says what came of it."""
    bookmarks = ops.bookmarks(lake)
    moved: dict[tuple[str, str], int] = {}
    for name, steps in groups_of(outcome.stage).items():
        builder = GroupBuilder(lake, settings, run, f"{run.run_id}-{outcome.stage}-{name}", bookmarks, progress)
        try:
            builder.build(steps)
            builder.audit()
        except (AuditError, ContractError) as error:
            outcome.status = "failed"
            outcome.messages.append(str(error))
            log.error("nothing was published", group=name, reason=str(error))
            lake.files.delete(lake.staging(builder.group_id))
            break
        versions = builder.publish()
        outcome.tables += [table for table in versions if not table.startswith("ops.")]
        outcome.rows_written += builder.rows_written
        outcome.quarantined += builder.quarantined
        outcome.messages += builder.full_builds
        moved.update(builder.bookmarks_after(versions))
    if outcome.tables or outcome.messages or moved:
        ops.record_stage(lake, run.run_id, run.as_of_date, outcome, moved)
