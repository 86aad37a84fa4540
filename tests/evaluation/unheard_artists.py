"""A, unseen artists recommended: a fifth of each listener's artists is hidden, and the exact engine finds them.

The trap: tags that listeners gave to hidden artists tell of them; a tag counts only where its giver's artist is in
training.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from tests.evaluation.sections import Section
from tests.evaluation.splits import (
    HEADER,
    LONG,
    OTHER_SEEDS,
    SEEDS,
    Split,
    ease,
    gates_of,
    implicit_als,
    item_neighbours,
    lists_of,
    measured,
    normalised,
    popularity,
    rows_of,
    split,
)
from transformations.ranking.counts import Ints, logs
from transformations.ranking.recommender import ARTISTS, Recommender

RECALL, NDCG = (0.205, 0.2147), (0.248, 0.258)  # the least and the goal


def measure(shared: Path) -> Section:
    links, taggings = artist_links(shared), artist_taggings(shared)

    def ours(of: Split, *, with_tags: bool = True) -> Ints:
        labels = None
        if with_tags:
            known = training_tags(taggings, of.training)
            labels = of.counts.labels(known["item_id"], known["tag_id"], np.ones(len(known)))
        ranker = Recommender(of.counts.matrix, ARTISTS, labels=labels)
        return ranker.top(np.arange(len(of.counts.users)), LONG).items

    methods = {
        "popularity": lambda of: lists_of(popularity(of.counts), of.counts),
        "ItemKNN, cosine": lambda of: lists_of(item_neighbours(of.counts, is_cosine=True), of.counts),
        "EASE, ridge 2, users of length 1": lambda of: lists_of(ease(normalised(of.counts), 2.0), of.counts),
        "implicit ALS, 96 factors, ridge 30, 30 rounds": lambda of: lists_of(
            implicit_als(logs(of.counts.matrix), factors=96, ridge=30, rounds=30), of.counts
        ),
        "ours, without tags": lambda of: ours(of, with_tags=False),
        "**ours**": ours,
    }
    drawn = [split(links, seed) for seed in SEEDS]
    figures = measured(methods, drawn)
    others = measured({"ours": ours}, [split(links, seed) for seed in OTHER_SEEDS])["ours"]
    return Section(
        title="Unseen artists recommended",
        how=(
            "hetrec2011: a fifth of the artists of each listener with ten or more is held out "
            f"({len(drawn[0].held_out):,} links, {np.mean([one.reachable for one in drawn]):.1%} of them of an artist "
            "that is in training; the others count as missed), every artist of training ranked, none sampled. Seeds "
            f"{', '.join(map(str, SEEDS))}: means. Tags count only where their giver's artist is in training. Ours is "
            "the exact engine, fed with user, artist and plays as silver.user_artists has them; it was tuned on splits "
            "of seeds 100 to 103."
        ),
        header=HEADER,
        rows=rows_of(figures, others),
        gates=gates_of(figures["**ours**"], recall=RECALL, ndcg=NDCG),
    )


def artist_links(shared: Path) -> pd.DataFrame:
    """user_id, item_id (an artist), play_count."""
    rows = pd.read_csv(shared / "hetrec2011" / "user_artists.dat", sep="\t")
    return rows.set_axis(["user_id", "item_id", "play_count"], axis=1)


def artist_taggings(shared: Path) -> pd.DataFrame:
    """user_id, item_id, tag_id."""
    rows = pd.read_csv(shared / "hetrec2011" / "user_taggedartists.dat", sep="\t")
    return rows[["userID", "artistID", "tagID"]].set_axis(["user_id", "item_id", "tag_id"], axis=1)


def training_tags(taggings: pd.DataFrame, training: pd.DataFrame) -> pd.DataFrame:
    """The taggings by a listener of an artist that is in the listener's training rows."""
    return taggings.merge(training[["user_id", "item_id"]], on=["user_id", "item_id"])
