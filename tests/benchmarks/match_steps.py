"""Steps without a JVM, each run in a new process: matches by the exact engine, and by bare blocks of scipy."""

from __future__ import annotations

import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.sparse import csr_array

from tests.benchmarks.measure import Marks, step_main
from tests.benchmarks.settings import MATCHES
from transformations.ranking.counts import Counts
from transformations.ranking.matcher import Matcher, Pairs

BARE_BLOCK = 500  # users


def ours(marks: Marks, *, folder: str, out: str) -> None:
    """The matcher that the night calls, with the artists' genres."""
    with marks.span("all"):
        matcher, counts = _prepared(marks, folder)
        with marks.span("pairs"):
            pairs = matcher.top(MATCHES)
        with marks.span("write"):
            _write(f"{out}/ours.parquet", counts, pairs)
    marks.facts.update(rows=len(pairs.users), links=counts.matrix.nnz, cpu=time.process_time())


def bare(marks: Marks, *, folder: str, out: str) -> None:
    """Cosine of TF-IDF, all products in blocks, the largest of each row."""
    with marks.span("all"):
        with marks.span("read"):
            plays = pd.read_parquet(f"{folder}/plays.parquet")
            users, ids = pd.factorize(plays["user_id"])
            artists, names = pd.factorize(plays["artist_id"])
        with marks.span("prepare"):
            places = users.astype(np.int32), artists.astype(np.int32)
            vectors = csr_array((plays["listen_count"].to_numpy(np.float32), places), shape=(len(ids), len(names)))
            rarity = np.log(len(ids) / np.bincount(vectors.indices, minlength=len(names))).astype(np.float32)
            vectors.data = np.sqrt(vectors.data) * rarity[vectors.indices]
            lengths = np.sqrt(np.add.reduceat(vectors.data**2, vectors.indptr[:-1]))
            vectors.data /= np.repeat(lengths, np.diff(vectors.indptr))
            across = vectors.T.tocsr()
        with marks.span("pairs"):
            nearest, scores = (np.empty((len(ids), MATCHES), dtype) for dtype in (np.int64, np.float32))
            for low in range(0, len(ids), BARE_BLOCK):
                found = (vectors[low : low + BARE_BLOCK] @ across).toarray()
                found[np.arange(len(found)), np.arange(low, low + len(found))] = 0
                near = np.argpartition(found, -MATCHES, axis=1)[:, -MATCHES:]
                values = np.take_along_axis(found, near, axis=1)
                order = np.argsort(-values, axis=1)
                nearest[low : low + BARE_BLOCK] = np.take_along_axis(near, order, axis=1)
                scores[low : low + BARE_BLOCK] = np.take_along_axis(values, order, axis=1)
        with marks.span("write"):
            columns = {
                "user_id": np.repeat(ids.to_numpy(), MATCHES),
                "match_user_id": ids.to_numpy()[nearest.ravel()],
                "rank": np.tile(np.arange(1, MATCHES + 1), len(ids)),
                "score": scores.ravel(),
            }
            pq.write_table(pa.table(columns), f"{out}/bare.parquet")
    marks.facts.update(rows=scores.size, links=vectors.nnz, cpu=time.process_time())


def _prepared(marks: Marks, folder: str) -> tuple[Matcher, Counts]:
    with marks.span("read"):
        plays, genres = (pd.read_parquet(f"{folder}/{name}.parquet") for name in ("plays", "genres"))
        counts = Counts.of(plays["user_id"], plays["artist_id"], plays["listen_count"])
        labels = counts.labels(genres["artist_id"], genres["genre"], genres["tracks"])
    with marks.span("prepare"):
        return Matcher.of(counts.matrix, labels), counts


def _write(path: str, counts: Counts, pairs: Pairs) -> None:
    columns = {
        "user_id": counts.users[pairs.users],
        "match_user_id": counts.users[pairs.matches],
        "rank": pairs.ranks,
        "score": pairs.scores,
        **pairs.parts,
    }
    pq.write_table(pa.table(columns), path)


if __name__ == "__main__":
    step_main({"ours": ours, "bare": bare})
