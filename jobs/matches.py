"""Who listens like a listener, and why: the tables of the last night, told to a person.

What was chosen since that night (a block, an opt-out, a name) holds at once: rows it concerns are not shown.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from jobs.choices import BLOCKS, PRIVACY
from jobs.people import COUNTRY, UNKNOWN_LISTENER, listener
from jobs.recordings import artist_names
from jobs.runtime.errors import TooLittleDataError, UsageError
from jobs.runtime.lake import Lake
from jobs.summary import plain_table
from schemas.vocab import PERIOD_DAYS
from transformations.gold.choices import DEFAULTS, blocked_pairs

MATCHES, EXPLANATIONS = "gold.user_matches", "gold.user_match_explanations"
SHOWN_ID = 8  # characters of a pseudonym: enough to tell fifty apart
PART_WORDS = {
    "artists": "artists",
    "neighbours": "who shares them",
    "genres": "genres",
    "sound": "sound",
    "moods": "mood",
}
BASIS_WORDS = {"plays": "plays", "top_items": "Spotify's top lists", "both": "plays and Spotify's top lists"}
# A table of matches fits into 80 columns.
PART_HEADS = {**PART_WORDS, "neighbours": "circle"}
BASIS_HEADS = {"plays": "plays", "top_items": "lists", "both": "both"}
USUAL_SHARED = 3  # artists that two have in common, below which a match is only shown where there is no better


@dataclass(frozen=True)
class Match:
    """A listener's match as a person may be told of it: by name where both are named, else by a pseudonym."""

    who: str
    user_id: str
    country: str | None
    is_named: bool
    row: Row


def matches_of(lake: Lake, user: str) -> list[Match]:
    """The matches of a listener by rank, less those that a choice made since the last night stands against.

    Raises UsageError for an unknown listener, TooLittleDataError where there is no match, and says why.
    """
    user_id = listener(lake, user)
    is_matched, is_named = _who_set(lake, "is_matched"), _who_set(lake, "is_name_shown")
    if not is_matched(user_id):
        name = user.strip()
        raise TooLittleDataError(f"{name} wants no matches; `privacy set {name} --matched` and the next run bring them")
    if lake.version(MATCHES) is None:
        raise TooLittleDataError("no night has built matches yet: run_ingestion.py run")
    rows = _of(lake, MATCHES, user_id).orderBy("rank").collect()
    blocked = {row["match_user_id"] for row in _of_frame(blocked_pairs(lake.read(BLOCKS)), user_id).collect()}
    ids = [row["match_user_id"] for row in rows]
    people = {row["user_id"]: row for row in lake.read("silver.users").where(F.col("user_id").isin(ids)).collect()}
    found = []
    for row in rows:
        other = row["match_user_id"]
        if other in blocked or not is_matched(other) or other not in people:
            continue
        are_named = is_named(user_id) and is_named(other)
        who = people[other]["display_name"] if are_named else other[:SHOWN_ID]
        found.append(Match(who, other, people[other]["country"], are_named, row))
    if not found:
        raise TooLittleDataError(
            f"nobody here listens like {user.strip()} yet: matches need artists in common, of plays or of Spotify's "
            "top lists, with a listener who wants matches too"
        )
    return found


def print_matches(
    lake: Lake,
    user: str,
    console: Console,
    *,
    limit: int = 50,
    country: str | None = None,
    period: str | None = None,
    min_shared: int | None = None,
) -> None:
    """The nearest listeners, of a country and with recent plays where asked for; with at least `min_shared` artists in
    common, or USUAL_SHARED if any has as many.

    Raises UsageError for a country or period that is none, and for `period` where the listener's own plays are not
    shown; and as `matches_of` does.
    """
    if country is not None and not COUNTRY.match(country):
        raise UsageError(f"--country {country!r}: two capital letters, such as DE")
    if period is not None and period not in PERIOD_DAYS:
        raise UsageError(f"--period {period!r}: one of {', '.join(PERIOD_DAYS)}")
    found = matches_of(lake, user)
    if country is not None:
        found = [match for match in found if match.country == country]
    if period is not None:
        active = _active(lake, user, period)
        found = [match for match in found if match.user_id in active]
    least = USUAL_SHARED if min_shared is None else min_shared
    shown = [match for match in found if match.row["shared_artists_count"] >= least]
    hidden = len(found) - len(shown)
    is_thin = bool(hidden) and not shown and min_shared is None
    if is_thin:
        shown, hidden = found, 0

    def say(text: str) -> None:
        console.print(text, markup=False, soft_wrap=True)

    if shown:
        header = ("#", "who", "score", "shared", *PART_HEADS.values(), "from")
        table = _table(f"Who listens like {user.strip()}", header, to_the_left=("who", "from"))
        for match in shown[:limit]:
            row = match.row
            parts = [_number(row["parts"][name]) for name in PART_HEADS]
            cells = (str(row["rank"]), match.who, _number(row["score"]), f"{row['shared_artists_count']:,}", *parts)
            table.add_row(*map(escape, (*cells, BASIS_HEADS[row["basis"]])))
        console.print(table)
        if is_thin:
            say(f"Little to go by: nobody has {least} artists in common yet.")
        say("A score is the sum of what artists, who shares them (circle), genres, sound and mood add.")
        say(f"Why: run_ingestion.py matches --user {user.strip()} --with RANK")
    else:
        say("None of the nearest listeners is what you asked for.")
    if hidden:
        say(f"{hidden} more, with fewer than {least} artists in common: --min-shared 0 shows them.")


def print_explanation(lake: Lake, user: str, other: str, console: Console) -> None:
    """Why two listeners match. `other` is a rank, the pseudonym that the list shows, or a name where both show theirs.

    Raises UsageError for unknown listeners, TooLittleDataError where the two are no match.
    """
    match = _chosen(lake, matches_of(lake, user), other)
    rows = _of(lake, EXPLANATIONS, listener(lake, user)).where(F.col("match_user_id") == match.user_id)
    row = rows.first()
    if row is None:
        raise TooLittleDataError("this match has no explanation yet: run_ingestion.py run")
    name, summary = user.strip(), row["summary"]
    new, icebreakers = row["suggestions_new_artists"], row["icebreaker_tracks"]
    told_artists = {one["artist_id"]: one["artist_name"] for one in (*row["shared_artists"], *new, *icebreakers)}
    called = told_artists | artist_names(lake, sorted(told_artists))

    def say(text: str) -> None:
        console.print(text, markup=False, soft_wrap=True)

    say(f"{name} and {match.who}: rank {summary['rank']}, score {_number(summary['score'])}, {_basis(summary)}")
    say("Of that " + ", ".join(f"{told} {_number(summary['parts'][part])}" for part, told in PART_WORDS.items()) + ".")
    artists = [
        (
            called[a["artist_id"]],
            a["rank"],
            a["match_rank"],
            a["listen_count"],
            a["match_listen_count"],
            _number(a["part"]),
        )
        for a in row["shared_artists"]
    ]
    title = (
        f"Artists of both ({summary['shared_artists_count']:,}; the others add {_number(row['other_artists_part'])})"
    )
    _show(console, title, ("artist", "rank", "theirs", "plays", "theirs", "adds"), artists)
    genres = [(g["genre"], g["listen_count"], g["match_listen_count"]) for g in row["shared_genres"]]
    _show(console, "Genres of both", ("genre", "plays", "theirs"), genres)
    sound = [
        (
            s["feature"],
            *map(_number, (s["raw"], s["match_raw"], s["normalised"], s["match_normalised"], s["delta"], s["part"])),
        )
        for s in row["audio_breakdown"] or []
    ]
    header = ("sound", "mean", "theirs", "from the usual", "theirs", "apart", "adds")
    _show(console, "Sound (the usual is the mean listener; in standard deviations)", header, sound)
    if tempo := row["tempo"]:
        say(
            f"Tempo: mostly {tempo['low_bpm']:.0f}-{tempo['high_bpm']:.0f} bpm, theirs {tempo['match_low_bpm']:.0f}-"
            f"{tempo['match_high_bpm']:.0f} bpm: {tempo['overlap_bpm']:.0f} bpm in common."
        )
    if new:
        told = ", ".join(f"{called[a['artist_id']]} (genres {_number(a['genre_overlap'])})" for a in new)
        say(f"New for {name}: {told}.")
    for track in icebreakers:
        both = track["track_id"] == track["match_track_id"]
        most = (
            f"both play {track['track_name']}"
            if both
            else f"{track['track_name']}, and theirs {track['match_track_name']}"
        )
        say(f"To talk about {called[track['artist_id']]}: {most}.")
    is_shown = _who_set(lake, "is_activity_shown")
    if is_shown(row["user_id"]) and is_shown(match.user_id) and (recent := row["recent_activity"]):
        said = "; ".join(f"{t['artist_name']} - {t['track_name']} ({t['last_played_at']:%Y-%m-%d})" for t in recent)
        say(f"Played last by {match.who}: {said}.")


def _chosen(lake: Lake, found: list[Match], other: str) -> Match:
    """The match that is meant. A name says nothing of somebody who does not show theirs, not even that they match."""
    text = other.strip()
    by_name = lake.pseudonym(text)
    is_known = not lake.read("ops.accounts").where(F.col("user_id") == by_name).isEmpty()
    for match in found:
        told = (str(match.row["rank"]), match.user_id[:SHOWN_ID])
        if (match.is_named and match.user_id == by_name) if is_known else text in told:
            return match
    if not is_known and not text.isdigit():
        raise UsageError(f"--with {text!r}: {UNKNOWN_LISTENER}; a rank or a pseudonym of the list will do")
    raise TooLittleDataError(
        f"{text} is not among the {len(found)} matches: too unlike, or one of the two does not want to meet, or to be "
        "named; a rank or a pseudonym of the list will do"
    )


def _active(lake: Lake, user: str, period: str) -> set[str]:
    """The matches who played something in the period, of those who show it to the listener."""
    user_id = listener(lake, user)
    is_shown = _who_set(lake, "is_activity_shown")
    if not is_shown(user_id):
        advice = f"`privacy set {user.strip()} --activity`, then `run`"
        raise UsageError(f"--period: recent plays are shown to those who show theirs: {advice}")
    commit = lake.last_commit(MATCHES)
    until = date.fromisoformat(commit.as_of_date) if commit and commit.as_of_date else date.max
    rows = (
        _of(lake, EXPLANATIONS, user_id).where("size(recent_activity) > 0").select("match_user_id", "recent_activity")
    )
    first = until - timedelta(days=PERIOD_DAYS[period])
    return {
        row["match_user_id"]
        for row in rows.collect()
        if is_shown(row["match_user_id"]) and row["recent_activity"][0]["last_played_at"].date() > first
    }


def _who_set(lake: Lake, name: str) -> Callable[[str], bool]:
    """Whether a listener made a choice, by pseudonym, as it stands now."""
    chosen = {row["user_id"]: bool(row[name]) for row in lake.read(PRIVACY).select("user_id", name).collect()}
    return lambda user_id: chosen.get(user_id, DEFAULTS[name])


def _of(lake: Lake, table: str, user_id: str) -> DataFrame:
    return _of_frame(lake.read(table), user_id)


def _of_frame(rows: DataFrame, user_id: str) -> DataFrame:
    return rows.where(F.col("user_id") == user_id)


def _basis(summary: Row) -> str:
    return f"worked out from {BASIS_WORDS[summary['basis']]}"


def _show(console: Console, title: str, header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    if not rows:
        return
    table = _table(title, header, to_the_left=header[:1])
    for row in rows:
        table.add_row(*[escape(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in row])
    console.print(table)


def _table(title: str, header: tuple[str, ...], *, to_the_left: tuple[str, ...]) -> Table:
    """Numbers stand whole; on a narrow terminal texts are broken."""
    table = plain_table(title)
    for name in header:
        is_text = name in to_the_left
        table.add_column(name, justify="left" if is_text else "right", no_wrap=not is_text)
    return table


def _number(value: float | None) -> str:
    return "-" if value is None else f"{round(value, 3) + 0.0:.3f}"  # no -0.000
