"""`train mood`: labels are read or refused by line, only what may be learned from is, and the file holds no label."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import functions as F

from jobs.runtime.errors import ModelError, UsageError
from jobs.runtime.lake import Lake, Stamp
from jobs.training import LEAST_SONGS, Label, read_labels, train, training_set
from schemas.catalog import contract_of
from schemas.models.mood_sound import read
from schemas.vocab import MOODS
from tests.rows import make_rows

CORNERS = {"happy": (0.9, 0.9), "angry": (0.1, 0.9), "sad": (0.1, 0.1), "relaxed": (0.9, 0.1)}
SONGS = 2 * LEAST_SONGS


# --- labels


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "no column Artist, Song, Emotion"),
        ("Artist;Song;Emotion\nA;B;sad\n", "no column Artist, Song, Emotion"),
        ("Artist,Song\nA,B\n", "no column Emotion"),
        ("Artist,Song,Emotion\n", "no rows"),
        ("Artist,Song,Emotion\nA,B,sad\nA,C,merry\n", "line 3: the emotion 'merry' is none of happy"),
        ("Artist,Song,Emotion\nA,,sad\n", "line 2: a row needs"),
        ("Artist,Song,Emotion\nA,B\n", "line 2: the emotion ''"),
    ],
)
def test_a_wrong_file_is_told_by_line(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "labels.csv"
    path.write_text(content)
    with pytest.raises(UsageError, match=re.escape(told)):
        read_labels(path)


def test_a_file_of_another_kind_is_told(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"Artist,Song,Emotion\n\xff\xfe,\x00,sad\n")
    with pytest.raises(UsageError, match="no csv file in UTF-8"):
        read_labels(path)
    with pytest.raises(UsageError, match="cannot be read"):
        read_labels(tmp_path)


def test_blanks_case_and_a_byte_order_mark_do_not_matter(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_text("\ufeffIndex,Artist,Song,Emotion\nML1, Usher ,There Goes My Baby , Relaxed \n", encoding="utf-8")
    assert read_labels(path) == [Label("Usher", "There Goes My Baby", "relaxed")]


# --- training set and artefact


def song(n: int, **overrides: Any) -> tuple[dict[str, Any], dict[str, Any], Label]:
    """A track, its features and its label: moods in turn, each around its corner."""
    mood = MOODS[n % 4]
    valence, energy = (abs(corner - (n % 10) / 50) for corner in CORNERS[mood])
    values = {"valence": valence, "energy": energy, "mode": n % 2, "danceability": (n % 7) / 7,
              "acousticness": (n % 11) / 11, "loudness_db": -float(n % 13), "tempo_bpm": 80.0 + n % 17}  # fmt: skip
    source = overrides.get("feature_source", "kaggle")
    features = {
        "track_id": f"{n:032x}",
        **values,
        "feature_source": source,
        "value_sources": dict.fromkeys(values, (source, 1.0)),
        **overrides,
    }
    track = {"track_id": f"{n:032x}", "artist_names": [f"Artist {n // 2}"], "track_name": f"Song {n}"}
    return track, features, Label(f"The artist {n // 2}", f"song {n} (feat. Guest)", mood)


def filled(lake: Lake, *songs: tuple[dict[str, Any], dict[str, Any], Label]) -> list[Label]:
    """The songs in the lake; returns their labels."""
    tracks, features, labels = zip(*songs, strict=True)
    for table, rows in (("silver.tracks", tracks), ("silver.track_features", features)):
        lake.replace(table, make_rows(lake.spark, contract_of(table), *rows), Stamp("test", "2026-01-01"))
    return list(labels)


def test_a_fit_gives_the_same_bytes_again_and_no_label(lake: Lake) -> None:
    labels = filled(lake, *[song(n) for n in range(SONGS)])
    first = train(lake, labels, about="invented", with_api_rows=False)
    again = train(lake, labels[::-1], about="invented", with_api_rows=False)
    assert first.text() == again.text()
    told = json.loads(first.text())
    assert read(told) == first.model
    assert (told["training"]["songs_used"], told["training"]["tracks_used"]) == (SONGS, {"kaggle": SONGS})
    assert "Artist 1" not in first.text()
    assert "song 1" not in first.text().lower()
    assert first.figures.mean().accuracy > first.figures.mean().brier / 2 > 0


def test_what_came_through_spotifys_api_is_left_out_unless_it_is_allowed(lake: Lake) -> None:
    mixed = song(2)
    mixed[1]["value_sources"] = {**mixed[1]["value_sources"], "tempo_bpm": ("spotify", 1.0)}
    of_api = [song(n, feature_source="spotify") for n in range(3, 9)]
    guessed = [song(n, feature_source="artist") for n in range(9, 11)]
    rest = [song(n) for n in (0, 1, *range(11, SONGS))]
    labels = filled(lake, mixed, *of_api, *guessed, *rest)

    data = training_set(lake, labels, with_api_rows=False)
    assert data.used == {"kaggle": SONGS - 8}
    assert data.left_out == {"artist": 2, "spotify": 6}
    assert (len(data.songs), data.without_features, data.not_in_lake) == (SONGS - 8, 8, 0)
    assert data.population.song_count == SONGS - 8
    lacking = [row for row in data.songs.features if any(value != value for value in row)]
    assert len(lacking) == 1

    allowed = training_set(lake, labels, with_api_rows=True)
    assert allowed.used == {"kaggle": SONGS - 8, "spotify": 6}
    assert allowed.left_out == {"artist": 2}
    assert not [row for row in allowed.songs.features if any(value != value for value in row)]


def test_songs_with_two_moods_and_songs_not_in_the_lake_are_counted_out(lake: Lake) -> None:
    labels = filled(lake, *[song(n) for n in range(SONGS)])
    more = [Label("Artist 0", "Song 0", "sad"), Label("Nobody", "Nothing", "sad"), labels[1]]
    data = training_set(lake, [*labels, *more], with_api_rows=False)
    assert (data.label_rows, data.label_songs) == (SONGS + 3, SONGS + 1)
    assert (data.two_moods, data.not_in_lake, len(data.songs)) == (1, 1, SONGS - 1)


def test_tracks_of_one_name_are_one_song(lake: Lake) -> None:
    first, second = song(0, energy=0.8), song(1, energy=0.4)
    second[0].update(track_name="SONG 0 - Remastered 2011")
    labels = filled(lake, first, second, *[song(n) for n in range(2, SONGS)])
    data = training_set(lake, [label for label in labels if label != second[2]], with_api_rows=False)
    assert len(data.songs) == SONGS - 1
    assert data.used == {"kaggle": SONGS}
    assert 0.6 in data.songs.features[:, 2].round(6)


def test_too_little_to_learn_from_is_told(lake: Lake) -> None:
    labels = filled(lake, *[song(n) for n in range(20)])
    with pytest.raises(ModelError, match="20 labelled songs have features"):
        train(lake, labels, about="few", with_api_rows=False)
    gone = lake.read("silver.track_features").where(F.lit(False)).localCheckpoint()
    lake.replace("silver.track_features", gone, Stamp("test", "2026-01-01"))
    with pytest.raises(ModelError, match="import a catalogue"):
        train(lake, labels, about="none", with_api_rows=False)
