"""`identities`: decide on names that are nearly alike; the next run follows."""

from __future__ import annotations

from typing import Annotated

import typer

from jobs.terminal import open_lake, out

identities_app = typer.Typer(
    help="Names that may be one recording: see what waits for a decision, accept or reject.", rich_markup_mode=None
)
ReviewId = Annotated[str, typer.Argument(metavar="ID", help="The pair's id, as `identities review` shows it.")]


@identities_app.command(
    "review",
    epilog="Examples: run_ingestion.py identities review  |  run_ingestion.py identities review --accepted --limit 50",
)
def review(
    accepted: Annotated[
        bool, typer.Option("--accepted", help="Pairs that a rule accepted by names, the least sure first.")
    ] = False,
    limit: Annotated[int, typer.Option("--limit", min=1, help="How many pairs.")] = 20,
) -> None:
    """Pairs of names without a decision: near misses, the nearest first."""
    from jobs.identities import pairs, print_pairs

    with open_lake("identities review", writes=False) as (lake, _):
        print_pairs(pairs(lake, accepted=accepted, limit=limit), out)


@identities_app.command("accept", epilog="Example: run_ingestion.py identities accept 3f9a01c2d4")
def accept(review_id: ReviewId) -> None:
    """The two names are one recording's: from the next run on they are one track."""
    _decide(review_id, "accept")


@identities_app.command("reject", epilog="Example: run_ingestion.py identities reject 3f9a01c2d4")
def reject(review_id: ReviewId) -> None:
    """The two names are not one recording's: from the next run on they are two tracks."""
    _decide(review_id, "reject")


def _decide(review_id: str, decision: str) -> None:
    from jobs.identities import decide_pair

    with open_lake(f"identities {decision}", writes=True) as (lake, _):
        pair = decide_pair(lake, review_id, decision)
    out.print(f"{decision}: {pair.heard} = {pair.catalogue}", markup=False, soft_wrap=True)
