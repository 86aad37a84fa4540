"""Writers of the five export formats: a listener's plays in, files as the services hand them out.

Spotify stamps the END of a play, ListenBrainz, Last.fm and the csv its start.
"""

import csv
import io
import json
import shutil
import uuid
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

from sandbox.dirt import Speller, roughen
from sandbox.listeners import Listener, Play

Record = dict[str, Any]

ZIP_TIME = (2026, 1, 1, 0, 0, 0)  # fixed, so that the same world gives the same bytes
BROKEN_ISO = "2026-02-31T25:61:00Z"
VIDEO_EVERY = 150  # one play in so many was watched
CSV_COLUMNS = (
    "user_id", "played_at", "artist_name", "track_name", "album_name", "duration_ms", "ms_played",
    "spotify_id",
)  # fmt: skip
LASTFM_FILE = "userid-timestamp-artid-artname-traid-traname.tsv"
PLATFORMS = ("android", "ios", "windows", "osx", "linux", "web_player")
BARE_SHARE = 0.2  # ListenBrainz listens that hold artist and title only
MAPPED_SHARE = 0.6  # of the others: mapped to MusicBrainz
MBID_SHARE = 0.72  # Last.fm-1K: the real file leaves 28 % of the track MBIDs empty


def _iso(epoch_ms: int) -> str:
    return datetime.fromtimestamp(epoch_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _lines(records: list[Record]) -> str:
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records)


def _write_zip(path: Path, members: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            info = zipfile.ZipInfo(name, ZIP_TIME)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.create_system = 3  # else the bytes differ by operating system
            info.external_attr = 0o644 << 16
            archive.writestr(info, text.encode())


# Spotify: extended streaming history


def _extended_record(rng: Random, listener: Listener, play: Play, speller: Speller, older: bool) -> Record:
    heard = speller.spell(play.track, play.release) if play.track else None
    podcast, book = play.kind == "podcast", play.kind == "audiobook"
    address = f"192.0.2.{1 + sum(map(ord, listener.name)) % 250}"  # RFC 5737: documentation addresses
    record: Record = {"ts": _iso(play.end_ms)}
    if older:
        record["username"] = listener.name
    record |= {
        "platform": PLATFORMS[(len(listener.name) + rng.choice((0, 0, 0, 3))) % len(PLATFORMS)],
        "ms_played": play.ms_played,
        "conn_country": "ZZ" if play.offline and older else play.country,
    }
    if older:
        record |= {"ip_addr_decrypted": address, "user_agent_decrypted": "unknown"}
    else:
        record["ip_addr"] = address
    # Older exports know audiobooks only as episodes.
    spoken = podcast or (book and older)
    record |= {
        "master_metadata_track_name": heard.title if heard else None,
        "master_metadata_album_artist_name": heard.artist if heard else None,
        "master_metadata_album_album_name": heard.album if heard else None,
        "spotify_track_uri": f"spotify:track:{heard.track_id}" if heard else None,
        "episode_name": play.spoken[1] if spoken else None,
        "episode_show_name": play.spoken[0] if spoken else None,
        "spotify_episode_uri": f"spotify:episode:{_spoken_id(*play.spoken)}" if spoken else None,
    }
    if not older:
        record |= {
            "audiobook_title": play.spoken[0] if book else None,
            "audiobook_uri": f"spotify:show:{_spoken_id(play.spoken[0])}" if book else None,
            "audiobook_chapter_uri": f"spotify:episode:{_spoken_id(*play.spoken)}" if book else None,
            "audiobook_chapter_title": play.spoken[1] if book else None,
        }
    # Seconds in newer exports, milliseconds in older ones; 0 or null when the play was online.
    when = play.start_ms if older else play.start_ms // 1000
    skipped = play.reason_end in ("fwdbtn", "backbtn")
    return record | {
        "reason_start": play.reason_start,
        "reason_end": play.reason_end,
        "shuffle": play.shuffle,
        "skipped": None if older and rng.random() < 0.3 else skipped,
        "offline": play.offline,
        "offline_timestamp": when if play.offline or rng.random() < 0.1 else (0 if older else None),
        "incognito_mode": play.incognito,
    }


def _spoken_id(*words: str) -> str:
    return uuid.uuid5(uuid.NAMESPACE_URL, "/".join(words)).hex[:22]


def write_spotify_extended(
    folder: Path, rng: Random, listener: Listener, plays: list[Play], *, older: bool, zipped: bool
) -> tuple[Path, int]:
    """The extended streaming history, as zip or as the unpacked folder; `older` is the endsong layout."""
    speller = Speller(rng)
    records = roughen(
        rng,
        [_extended_record(rng, listener, play, speller, older) for play in plays],
        lambda record: record | {"master_metadata_track_name": None},
        lambda record: record | {"ts": BROKEN_ISO},
    )
    video = [] if older else records[VIDEO_EVERY // 2 :: VIDEO_EVERY]
    audio = records if older else [r for i, r in enumerate(records) if i % VIDEO_EVERY != VIDEO_EVERY // 2]
    half = len(audio) // 2
    # The second file repeats the end of the first, as exports cut at the same second do.
    parts = {"0": audio[:half], "1": audio[max(0, half - 3) :]} if len(audio) > 20 else {"0": audio}
    years = "-".join(dict.fromkeys(_iso(play.end_ms)[:4] for play in plays[:1] + plays[-1:])) or "0000"
    top = "Spotify Extended Streaming History"
    members = {
        (f"endsong_{part}.json" if older else f"{top}/Streaming_History_Audio_{years}_{part}.json"): chunk
        for part, chunk in parts.items()
    }
    if video:
        members[f"{top}/Streaming_History_Video_{years}.json"] = video
    texts = {name: json.dumps(chunk, ensure_ascii=False, indent=1) for name, chunk in members.items()}
    written = sum(map(len, members.values()))
    if zipped:
        _write_zip(folder / "my_spotify_data.zip", texts)
        return folder / "my_spotify_data.zip", written
    unpacked = folder / "MyData"
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir(parents=True)
    for name, text in texts.items():
        (unpacked / name).write_text(text, encoding="utf-8", newline="\n")
    return unpacked, written


# Spotify: account data


def write_spotify_account(folder: Path, rng: Random, plays: list[Play]) -> tuple[Path, int]:
    """The short account history: minute precision, no ids, spelled as the service does."""
    speller = Speller(rng)
    music: list[Record] = []
    podcasts: list[Record] = []
    for play in plays:
        end = _iso(play.end_ms)[:16].replace("T", " ")
        if play.track:
            heard = speller.spell(play.track, play.release)
            music.append({"endTime": end, "artistName": heard.artist, "trackName": heard.title})
            music[-1]["msPlayed"] = play.ms_played
        elif play.kind == "podcast":
            podcasts.append({"endTime": end, "podcastName": play.spoken[0], "episodeName": play.spoken[1]})
            podcasts[-1]["msPlayed"] = play.ms_played
    music = roughen(
        rng,
        music,
        lambda record: record | {"trackName": ""},
        lambda record: record | {"endTime": "0000-00-00 00:00"},
    )
    top = "Spotify Account Data"
    path = folder / "my_spotify_data.zip"
    _write_zip(
        path,
        {
            f"{top}/StreamingHistory_music_0.json": json.dumps(music, ensure_ascii=False, indent=2),
            f"{top}/StreamingHistory_podcast_0.json": json.dumps(podcasts, ensure_ascii=False, indent=2),
        },
    )
    return path, len(music) + len(podcasts)


# ListenBrainz


def _msid(artist: str, title: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"msid/{artist}/{title}"))


def _listenbrainz_record(rng: Random, play: Play, speller: Speller) -> Record:
    assert play.track is not None  # only music counts as a listen
    track, heard = play.track, speller.spell(play.track, play.release)
    msid = _msid(heard.artist, heard.title)
    listened_at = play.start_ms // 1000
    metadata: Record = {"track_name": heard.title, "artist_name": heard.artist, "recording_msid": msid}
    if rng.random() < BARE_SHARE:
        metadata["additional_info"] = {"submission_client": "pocket scrobbler", "recording_msid": msid}
        return {"inserted_at": play.end_ms / 1000, "listened_at": listened_at, "track_metadata": metadata}
    url = f"https://open.spotify.com/track/{heard.track_id}"
    metadata["release_name"] = heard.album
    metadata["additional_info"] = {
        "isrc": track.isrc,
        "origin_url": url,
        "spotify_id": url,
        "duration_ms": track.duration_ms,
        "artist_names": [heard.artist, *track.guests],
        "music_service": "spotify.com",
        "submission_client": "listenbrainz",
    }
    if rng.random() < 0.3:
        del metadata["additional_info"]["isrc"]
    if rng.random() < MAPPED_SHARE:
        artist = {
            "artist_mbid": track.artist.mbid, "join_phrase": "", "artist_credit_name": track.artist.name,
        }  # fmt: skip
        metadata["mbid_mapping"] = {
            "artists": [artist],
            "artist_mbids": [track.artist.mbid],
            "recording_mbid": track.mbid,
            "recording_name": track.title,
        }
    return {"inserted_at": play.end_ms / 1000, "listened_at": listened_at, "track_metadata": metadata}


def write_listenbrainz(
    folder: Path, rng: Random, listener: Listener, plays: list[Play], *, truncated: bool
) -> tuple[Path, int]:
    """The export zip with one file a month; `truncated` leaves half a record at its end."""
    speller = Speller(rng)
    listened = [play for play in plays if play.counts_as_listen]
    records = roughen(
        rng,
        [_listenbrainz_record(rng, play, speller) for play in listened],
        lambda record: record | {"track_metadata": record["track_metadata"] | {"track_name": ""}},
        # a broken time stays in its month's file: the file is named by the time of insertion
        lambda record: record | {"listened_at": "not-a-time"},
    )
    months: dict[str, list[Record]] = {}
    for record in records:
        year, month = _iso(int(record["inserted_at"] * 1000))[:7].split("-")
        months.setdefault(f"listens/{year}/{int(month)}.jsonl", []).append(record)
    loved = list(dict.fromkeys(play.track for play in listened[::40] if play.track))[:25]
    feedback = [
        {
            "recording_msid": _msid(track.artist.name, track.title),
            "recording_mbid": track.mbid,
            "score": 1 if rng.random() < 0.85 else -1,
            "created": listened[-1].end_ms // 1000,
        }
        for track in loved
    ]
    user = {"user_id": 1000 + sum(map(ord, listener.name)), "username": listener.name}
    members = {"user.json": json.dumps(user), "feedback.jsonl": _lines(feedback)}
    members |= {name: _lines(chunk) for name, chunk in months.items()}
    if truncated and months:
        name = list(months)[-1]
        members[name] += json.dumps(months[name][-1], ensure_ascii=False)[:90]
    path = folder / f"listenbrainz_{listener.name}.zip"
    _write_zip(path, members)
    return path, len(records)


# Files of several listeners


def write_csv(path: Path, rng: Random, listeners: list[tuple[Listener, list[Play]]], *, bom: bool) -> tuple[Path, int]:
    """A diary in csv, listener after listener; `bom` as a spreadsheet program saves it."""
    rows: list[tuple[str, ...]] = []
    for listener, plays in listeners:
        speller = Speller(rng)
        own: list[tuple[str, ...]] = []
        for play in plays:
            if not play.track:
                continue
            heard = speller.spell(play.track, play.release)
            track_id = heard.track_id if rng.random() < 0.7 else ""
            duration = str(play.duration_ms) if rng.random() < 0.9 else ""
            own.append((listener.name, _iso(play.start_ms), heard.artist, heard.title, heard.album,
                        duration, str(play.ms_played), track_id))  # fmt: skip
        rows += roughen(
            rng,
            own,
            lambda row: (*row[:3], "", *row[4:]),
            lambda row: (row[0], "yesterday evening", *row[2:]),
        )
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    writer.writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.getvalue().encode("utf-8-sig" if bom else "utf-8"))
    return path, len(rows)


def write_lastfm_1k(folder: Path, rng: Random, listeners: list[tuple[Listener, list[Play]]]) -> tuple[Path, int]:
    """The Last.fm-1K layout: six tab-separated columns, no header, each listener's newest play first."""
    lines: list[str] = []
    for listener, plays in listeners:
        speller = Speller(rng)
        own: list[tuple[str, ...]] = []
        for play in reversed(plays):
            if not play.track or not play.counts_as_listen:
                continue
            heard = speller.spell(play.track, play.release)
            mbid = play.track.mbid if rng.random() < MBID_SHARE else ""
            artist_mbid = play.track.artist.mbid
            own.append((listener.name, _iso(play.start_ms), artist_mbid, heard.artist, mbid, heard.title))
        rows = roughen(rng, own, lambda row: (*row[:5], ""), lambda row: (row[0], BROKEN_ISO, *row[2:]))
        lines += ["\t".join(row) + "\n" for row in rows]
    path = folder / LASTFM_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("".join(lines).encode())
    return path, len(lines)
