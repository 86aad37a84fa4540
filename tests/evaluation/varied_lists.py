"""K, how varied the stored lists are, beside plain methods on the same plays; and that no list holds what it excludes.

The trap: what nobody played is infinitely new. A track's listeners are counted with one more, for the methods alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd
from pyspark.sql import functions as F
from scipy.spatial.distance import pdist

from jobs.runtime.frames import local_frame
from jobs.runtime.lake import Lake
from schemas.silver.track_feedback import CONTRACT as TRACK_FEEDBACK
from schemas.vocab import MOODS, RECOMMENDATION_LISTS
from tests.evaluation.lakes import inputs_of, listeners_lake, some_listeners
from tests.evaluation.sections import Gate, Section
from tests.evaluation.splits import (
    LONG,
    ease,
    implicit_als,
    item_neighbours,
    lists_of,
    popularity,
    told,
)
from transformations.gold import recommendations
from transformations.ranking.counts import Counts, logs
from transformations.ranking.playlists import OF_AN_ARTIST, UNHEARD

DISLIKING, DISLIKING_SEED = 100, 1  # listeners who take back the first track of each of their lists
SAID_AT = datetime(2009, 5, 1)  # noqa: DTZ001 (Spark takes naive UTC)


@dataclass(frozen=True)
class Library:
    """What is known of all tracks, by track_id: artist_id, song_key, how many listen to it, its sound in standard
    deviations (no row where it is unknown)."""

    tracks: pd.DataFrame
    sound: pd.DataFrame
    listeners: int


def measure(shared: Path) -> Section:
    lake = listeners_lake(shared)
    plays = lake.read("silver.user_tracks").selectExpr("user_id", "track_id", "listen_count - skip_count AS plays")
    heard = plays.where("plays > 0").toPandas()
    library = library_of(lake, heard)
    stored = lake.read("gold.recommendations").select("user_id", "list", "rank", "track_id", "score").toPandas()
    everybody = stored["user_id"].nunique()
    methods = {**witnesses(heard, library), **{f"ours, {name}": own for name, own in stored.groupby("list")}}
    ordered = sorted(methods, key=lambda name: (name.startswith("ours"), _place(name)))
    rows = tuple((name, *cells(methods[name], library)) for name in ordered)
    broken = broken_rules(stored, heard, library.tracks)
    broken["songs that the listener said not to want to hear"] = kept_though_disliked(lake, stored, library.tracks)
    return Section(
        title="How varied the lists are",
        how=(
            f"The lists as stored for {everybody} listeners of Last.fm-1K, with the catalogue, built by a night of "
            "their own; their first 20. The file says who heard what, neither when nor how often: plays are laid over "
            "a year by a seed, on which only rediscover and current_mood depend much. Artists: how many a list has, by "
            "its tracks. Sound: how far apart two tracks of a list are, the root mean square over features in standard "
            "deviations, where both are known. Novelty: the mean of -log2 of the share of listeners who play a track, "
            "one added to those who do. Coverage: the share of all "
            f"{len(library.tracks):,} tracks that stand in anybody's list. The plain methods rank what somebody here "
            "played, with no limit of an artist's tracks; random draws from all."
        ),
        header=("list", "listeners", "tracks", "artists", "sound", "novelty, bits", "played by nobody", "coverage"),
        rows=rows,
        gates=tuple(Gate(what, "none", f"{count:,}", count == 0) for what, count in broken.items()),
        notes=(
            f"A list by mood is of the mood first: the first {LONG} of all {everybody} listeners hold "
            + ", ".join(f"{count} different tracks ({mood})" for mood, count in different(stored).items())
            + ". So they are less a listener's own than for_you or current_mood.",
            f"Whatever is stored was looked at for the gates, {len(stored):,} rows. For the disliked, "
            f"{DISLIKING} listeners said of the first track of each of their lists that they do not want to hear it, "
            "and their lists were built again.",
        ),
    )


def different(stored: pd.DataFrame) -> dict[str, int]:
    """How many tracks stand among the first of anybody's list by each mood."""
    first = stored[stored["rank"] <= LONG]
    return {mood: first.loc[first["list"] == mood, "track_id"].nunique() for mood in MOODS}


def library_of(lake: Lake, heard: pd.DataFrame) -> Library:
    songs = lake.read("silver.track_identities").groupBy("track_id").agg(F.min("song_key").alias("song_key"))
    tracks = lake.read("silver.tracks").select("track_id", "artist_id").join(songs, "track_id", "left").toPandas()
    known = lake.read("silver.track_features").where("valence IS NOT NULL")
    sound = known.select("track_id", *recommendations.SOUND).toPandas().set_index("track_id").astype(float)
    tracks = tracks.set_index("track_id")
    tracks["song_key"] = tracks["song_key"].fillna(pd.Series(tracks.index, index=tracks.index))
    tracks["listeners"] = heard.groupby("track_id").size().reindex(tracks.index, fill_value=0)
    apart = ((sound - sound.mean()) / sound.std()).fillna(0.0)
    return Library(tracks, apart, heard["user_id"].nunique())


def witnesses(heard: pd.DataFrame, library: Library) -> dict[str, pd.DataFrame]:
    """Lists of 20 of what each listener did not play; a random one is of all tracks."""
    counts = Counts.of(heard["user_id"], heard["track_id"], heard["plays"])
    of_tracks = {
        "popularity": popularity(counts),
        "ItemKNN, cosine": item_neighbours(counts, is_cosine=True),
        "EASE, ridge 10": ease(logs(counts.matrix), 10.0),
        "implicit ALS, 128 factors, ridge 10, 15 rounds, weight 10": implicit_als(
            logs(counts.matrix) * 10, factors=128, ridge=10, rounds=15
        ),
    }
    found = {name: listed(counts.items[lists_of(scores, counts)], counts.users) for name, scores in of_tracks.items()}
    drawn = np.random.default_rng(0).integers(0, len(library.tracks), (len(counts.users), LONG))
    return {"random": listed(np.sort(library.tracks.index.to_numpy(dtype=str))[drawn], counts.users), **found}


def listed(tracks: np.ndarray, users: np.ndarray) -> pd.DataFrame:
    """Users x 20 as rows of lists."""
    return pd.DataFrame(
        {
            "user_id": np.repeat(users, tracks.shape[1]),
            "rank": np.tile(np.arange(1, tracks.shape[1] + 1), len(users)),
            "track_id": tracks.ravel(),
        }
    )


def cells(rows: pd.DataFrame, library: Library) -> tuple[str, ...]:
    """A method's figures: means over listeners of what is said of a list."""
    first = rows[rows["rank"] <= LONG].join(library.tracks, on="track_id")
    lists = first.groupby("user_id")
    share = (first["listeners"] + 1) / (library.listeners + 1)
    novelty = (-np.log2(share)).groupby(first["user_id"]).mean().mean()
    return (
        f"{first['user_id'].nunique()}",
        f"{lists.size().mean():.1f}",
        told((lists["artist_id"].nunique() / lists.size()).mean()),
        f"{apart(first, library.sound):.2f}",
        f"{novelty:.2f}",
        told((first["listeners"] == 0).groupby(first["user_id"]).mean().mean()),
        told(first["track_id"].nunique() / len(library.tracks)),
    )


def apart(rows: pd.DataFrame, sound: pd.DataFrame) -> float:
    """The mean distance of two tracks of a list by sound, over the lists with two whose sound is known."""
    known = rows[rows["track_id"].isin(sound.index)].sort_values("user_id", kind="stable")
    vectors = sound.loc[known["track_id"]].to_numpy()
    starts = np.flatnonzero(np.r_[True, known["user_id"].to_numpy()[1:] != known["user_id"].to_numpy()[:-1]])
    means = [pdist(own).mean() for own in np.split(vectors, starts[1:]) if len(own) > 1]
    return float(np.mean(means)) / np.sqrt(sound.shape[1])


def broken_rules(stored: pd.DataFrame, heard: pd.DataFrame, tracks: pd.DataFrame) -> dict[str, int]:
    """Rows that a list may not have, by the rule they break; a song counts as heard in any of its editions."""
    rows = stored.join(tracks, on="track_id")
    own = heard.join(tracks["song_key"], on="track_id")[["user_id", "song_key"]].drop_duplicates()
    told = rows.merge(own.assign(is_heard=True), on=["user_id", "song_key"], how="left")
    is_heard = told["is_heard"].notna().to_numpy()
    places = rows.groupby(["user_id", "list"])["rank"]
    return {
        f"tracks heard before in {' and '.join(UNHEARD)}": int((rows["list"].isin(UNHEARD) & is_heard).sum()),
        "tracks never heard in rediscover": int(((rows["list"] == "rediscover") & ~is_heard).sum()),
        f"lists with more than {OF_AN_ARTIST} tracks of an artist": int(
            (rows.groupby(["user_id", "list", "artist_id"]).size() > OF_AN_ARTIST).sum()
        ),
        "songs twice in a list": int(rows.duplicated(["user_id", "list", "song_key"]).sum()),
        "lists whose ranks are not 1, 2, 3 and on": int(
            ((places.min() != 1) | (places.max() != places.size()) | (places.nunique() != places.size())).sum()
        ),
        "scores that are not finite in 0-1": int((~rows["score"].between(0, 1)).sum()),
    }


def kept_though_disliked(lake: Lake, stored: pd.DataFrame, tracks: pd.DataFrame) -> int:
    """Rows of lists, built after a dislike, that hold a disliked song, in whatever edition."""
    asked = some_listeners(lake, DISLIKING, DISLIKING_SEED)
    firsts = stored[(stored["rank"] == 1) & stored["user_id"].isin(asked)][["user_id", "track_id"]].drop_duplicates()
    said = [(user, track, False, SAID_AT) for user, track in firsts.itertuples(index=False)]
    inputs = inputs_of(lake, "gold.recommendations")
    inputs |= {
        "users": inputs["users"].where(F.col("user_id").isin(asked)),
        "track_feedback": local_frame(lake.spark, said, TRACK_FEEDBACK.struct()),
    }
    as_of_date = lake.read("gold.recommendations").agg(F.max("as_of_date")).collect()[0][0]
    again = recommendations.build(**inputs, as_of_date=as_of_date).select("user_id", "track_id").toPandas()
    disliked, found = (rows.join(tracks["song_key"], on="track_id") for rows in (firsts, again))
    return len(found.merge(disliked[["user_id", "song_key"]].drop_duplicates(), on=["user_id", "song_key"]))


def _place(name: str) -> int:
    return RECOMMENDATION_LISTS.index(name.removeprefix("ours, ")) if name.startswith("ours") else 0
