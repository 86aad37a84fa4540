"""H, the catalogue's own dirt: what the file holds, counted, and what silver makes of it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pyspark.sql import functions as F

from tests.evaluation.lakes import catalogue_lake
from tests.evaluation.sections import Gate, Section

FEATURES = ("danceability", "energy", "key", "loudness", "mode", "speechiness", "acousticness", "instrumentalness",
            "liveness", "valence", "tempo", "time_signature")  # fmt: skip
SHARED_IDS, SHARED_ROWS = "ids that share a recording with another id", "rows of these"
# What is known of the file; another count is another file.
KNOWN = {
    "surplus rows (one per genre)": 24_259,
    "full duplicates but for the index": 450,
    "rows without names": 1,
    "ids with tempo, danceability and time signature all 0": 157,
    "ids with several genres": 16_299,
    SHARED_IDS: 8_580,
    SHARED_ROWS: 15_026,
}


def measure(shared: Path) -> Section:
    counted = count(shared / "catalogue" / "spotify_tracks_114k.csv")
    told = dict(zip(KNOWN, _silver(shared), strict=True))
    rows = tuple((what, f"{KNOWN[what]:,}", f"{counted[what]:,}", told[what]) for what in KNOWN)
    different = [what for what in KNOWN if counted[what] != KNOWN[what]]
    return Section(
        title="The catalogue's own dirt",
        how=(
            "Counted in the file, before anything is cleaned; silver is the same file imported and built. A recording "
            "is artists, title and all twelve features."
        ),
        header=("what", "known", "in the file", "in silver"),
        rows=rows,
        gates=(Gate("the catalogue's dirt", "as known", ", ".join(different) or "all as known", not different),),
        notes=(
            "An older count gave 16,011 ids that share a recording. That is near what is counted in rows (one per id "
            "and genre): 15,984 rows have all twelve features of another id, whatever their names.",
        ),
    )


def count(path: Path) -> dict[str, int]:
    """The dirt of a catalogue file in the Kaggle layout."""
    rows = pd.read_csv(path, index_col=0, keep_default_na=False, na_values=[""])
    ids = rows.drop_duplicates("track_id")
    named = ids.dropna(subset=["artists", "track_name"])
    recordings = named.groupby(["artists", "track_name", *FEATURES])["track_id"].transform("size")
    shared = set(named.loc[recordings > 1, "track_id"])
    numbers = (
        len(rows) - len(ids),
        int(rows.duplicated().sum()),
        int(rows[["artists", "album_name", "track_name"]].isna().all(axis=1).sum()),
        int(((ids["tempo"] == 0) & (ids["danceability"] == 0) & (ids["time_signature"] == 0)).sum()),
        int((rows.groupby("track_id")["track_genre"].nunique() > 1).sum()),
        len(shared),
        int(rows["track_id"].isin(shared).sum()),
    )
    return dict(zip(KNOWN, numbers, strict=True))


def _silver(shared: Path) -> tuple[str, ...]:
    lake = catalogue_lake(shared)
    bronze, tracks = lake.read("bronze.kaggle_tracks"), lake.read("silver.catalogue_tracks")
    moods = lake.read("silver.track_moods")
    several = tracks.where(F.size("genres") > 1).count()
    return (
        f"{tracks.count():,} tracks, one an id",
        f"{bronze.count():,} rows stored, no two alike",
        f"{tracks.where(F.size('artist_names') == 0).count()} tracks without an artist",
        f"{tracks.where('tempo_bpm IS NULL AND valence IS NULL').count()} without features, "
        f"{moods.where(F.col('mood') == 'unknown').count()} moods unknown",
        f"{several:,} with their genres collected",
        "a track each; a play's names lead to the most popular",
        "",
    )
