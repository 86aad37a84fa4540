"""Listeners with habits, tastes and drifting moods, and the plays that follow from them (grain: one play)."""

from bisect import bisect
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from itertools import accumulate
from random import Random
from typing import Literal, NamedTuple
from zoneinfo import ZoneInfo

from sandbox import names
from sandbox.catalogue import FAMILIES, Artist, Track

Kind = Literal["music", "podcast", "audiobook"]

# Plays a day, dealt in turn so that heavy and light listeners are there whatever the seed; the mean is ~18.
PLAYS_A_DAY = (22, 33, 19, 16, 26, 11, 9, 14, 58, 6, 3, 12, 41, 8, 5)
SPARSE_PLAYS = (4, 8)  # at most 9 plays: too little for a mood profile
PHASE_PICKINESS = 0.92  # a listener in a phase looks for its mood, whatever the habit
SESSION_PLAYS = (3, 18)
SESSION_GAP_MS = 25 * 60_000  # shortest silence between two sessions
ALBUM_SESSION_SHARE = 0.14
CANDIDATES = 8  # songs weighed against the mood before one is played
PLACES = (
    ("DE", "Europe/Berlin"), ("GB", "Europe/London"), ("US", "America/New_York"), ("BR", "America/Sao_Paulo"),
    ("JP", "Asia/Tokyo"), ("SE", "Europe/Stockholm"), ("US", "America/Los_Angeles"), ("IN", "Asia/Kolkata"),
    ("FR", "Europe/Paris"), ("AU", "Australia/Sydney"), ("PL", "Europe/Warsaw"), ("CA", "America/Toronto"),
    ("MX", "America/Mexico_City"), ("ZA", "Africa/Johannesburg"),
)  # fmt: skip
# Circles of taste: two families and a shared pool of artists, so that good matches exist to be found.
CIRCLES = 6
# Weight of each local hour for three kinds of days.
RHYTHMS = {
    "commuter": (1, 0, 0, 0, 0, 1, 4, 9, 8, 3, 2, 2, 3, 2, 2, 2, 4, 9, 8, 5, 4, 3, 2, 1),
    "office": (0, 0, 0, 0, 0, 0, 1, 3, 6, 9, 9, 8, 4, 7, 9, 8, 6, 4, 3, 3, 3, 2, 1, 0),
    "night": (8, 6, 4, 2, 1, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 4, 5, 7, 9, 10, 9),
}


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of days in which the mood leans; days count from the window's first."""

    first: int
    last: int
    valence: float
    energy: float


# name: lean of valence, lean of energy, length in days (cut to a third of a short window)
PHASES = {
    "sad fortnight": (-0.34, -0.18, 14),
    "happy summer": (0.26, 0.16, 45),
    "restless weeks": (-0.22, 0.28, 20),
    "calm month": (0.14, -0.30, 28),
}


@dataclass(frozen=True, slots=True)
class Listener:
    name: str
    display_name: str
    country: str
    time_zone: str
    plays_a_day: int
    sparse: bool
    rhythm: str
    weekend: float  # plays at the weekend as a share of a weekday's
    idle: float  # share of days without music
    skip: float
    spoken: float  # share of sessions that are podcasts or an audiobook
    pickiness: float  # how strongly the mood decides
    valence: float
    energy: float
    phases: tuple[Phase, ...]
    tracks: tuple[Track, ...]
    weights: tuple[float, ...]  # cumulative


@dataclass(frozen=True, slots=True)
class Play:
    kind: Kind
    start_ms: int  # UTC epoch
    ms_played: int
    duration_ms: int
    track: Track | None
    release: int
    spoken: tuple[str, str]  # show and episode, or book and chapter
    country: str
    reason_start: str
    reason_end: str
    shuffle: bool
    offline: bool
    incognito: bool

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.ms_played

    @property
    def counts_as_listen(self) -> bool:
        """Scrobblers' rule: half the song, or four minutes."""
        return self.kind == "music" and self.ms_played >= min(self.duration_ms / 2, 240_000)


def make_listeners(rng: Random, count: int, days: int, artists: list[Artist], tracks: list[Track]) -> list[Listener]:
    """`count` listeners dealt over the circles of taste; the last ones have too few plays."""
    by_artist: dict[str, list[Track]] = {}
    for track in tracks:
        by_artist.setdefault(track.artist.name, []).append(track)
    circles = []
    for number in range(CIRCLES):
        families = (FAMILIES[number % len(FAMILIES)], FAMILIES[(number * 4 + 3) % len(FAMILIES)])
        pool = [artist for artist in artists if artist.genres[0].family in families]
        circles.append((pool, rng.sample(pool, 30)))
    sparse_from = count - min(2, count // 3)
    return [
        _make_listener(rng, number, days, artists, by_artist, circles[number % CIRCLES], number >= sparse_from)
        for number in range(count)
    ]


def _make_listener(
    rng: Random,
    number: int,
    days: int,
    artists: list[Artist],
    by_artist: dict[str, list[Track]],
    circle: tuple[list[Artist], list[Artist]],
    sparse: bool,
) -> Listener:
    pool, shared = circle
    favourites = rng.sample(shared, rng.randint(14, 22)) + rng.sample(pool, 10) + rng.sample(artists, 12)
    rng.shuffle(favourites)
    tracks: list[Track] = []
    weights: list[float] = []
    for rank, artist in enumerate(dict.fromkeys(favourites)):
        for track in by_artist[artist.name]:
            tracks.append(track)
            weights.append((5 + track.releases[0].popularity) / (rank + 3) * rng.uniform(0.3, 1.7))
    country, time_zone = PLACES[(number * 5 + rng.randrange(2)) % len(PLACES)]
    name = names.listener_handle(number)
    return Listener(
        name=name,
        display_name=name.replace("_", " ").title(),
        country=country,
        time_zone=time_zone,
        plays_a_day=PLAYS_A_DAY[number % len(PLAYS_A_DAY)],
        sparse=sparse,
        rhythm=rng.choice(tuple(RHYTHMS)),
        weekend=rng.uniform(0.6, 1.6),
        idle=rng.uniform(0.02, 0.2),
        skip=rng.uniform(0.03, 0.32),
        spoken=rng.choice((0.0, 0.05, 0.1)),
        pickiness=rng.uniform(0.45, 0.85),
        # corners of the mood plane in turn: every quadrant has somebody at home in it
        valence=(0.72, 0.28, 0.30, 0.68)[number % 4] + rng.uniform(-0.1, 0.1),
        energy=(0.74, 0.76, 0.30, 0.32)[number % 4] + rng.uniform(-0.1, 0.1),
        phases=_make_phases(rng, days),
        tracks=tuple(tracks),
        weights=tuple(accumulate(weights)),
    )


def _make_phases(rng: Random, days: int) -> tuple[Phase, ...]:
    """One to three phases that do not overlap: two leans at once would cancel each other out."""
    phases: list[Phase] = []
    for kind in rng.sample(tuple(PHASES), rng.randint(1, 3)):
        valence, energy, length = PHASES[kind]
        length = max(1, min(length, days // 3))
        first = rng.randrange(max(1, days - length))
        last = first + length - 1
        if all(last < phase.first or first > phase.last for phase in phases):
            phases.append(Phase(first, last, valence, energy))
    return tuple(phases)


def make_plays(rng: Random, listener: Listener, end: date, days: int) -> list[Play]:
    """The listener's plays in time order; all start and end inside the window (UTC days)."""
    first = end - timedelta(days=days - 1)
    floor = _epoch_ms(first, UTC)
    ceiling = _epoch_ms(end + timedelta(days=1), UTC)
    plays: list[Play] = []
    cursor = floor
    for day in range(days):
        for start, length in _sessions(rng, listener, first + timedelta(days=day)):
            for play in _session(rng, listener, day, max(start, cursor), length):
                if play.end_ms >= ceiling:
                    break
                plays.append(play)
            if plays:
                cursor = max(cursor, plays[-1].end_ms + SESSION_GAP_MS)
    if listener.sparse:
        return plays[-rng.randint(*SPARSE_PLAYS) :]
    return plays


def _epoch_ms(day: date, zone: tzinfo) -> int:
    """Midnight of the day in the zone."""
    return int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) * 1000


def _sessions(rng: Random, listener: Listener, day: date) -> list[tuple[int, int]]:
    """Start (epoch ms) and number of plays of one local day's sessions, in time order."""
    if rng.random() < listener.idle:
        return []
    weekend = day.weekday() >= 5
    left = round(listener.plays_a_day * (listener.weekend if weekend else 1.0) * rng.lognormvariate(0, 0.35))
    midnight = _epoch_ms(day, ZoneInfo(listener.time_zone))
    hours = RHYTHMS["night" if weekend and listener.rhythm == "office" else listener.rhythm]
    sessions = []
    while left > 0:
        length = min(left, rng.randint(*SESSION_PLAYS))
        left -= length
        hour = rng.choices(range(24), hours)[0]
        sessions.append((midnight + hour * 3_600_000 + rng.randrange(3_600_000), length))
    return sorted(sessions)


class _Mood(NamedTuple):
    valence: float
    energy: float
    pickiness: float


def _mood(listener: Listener, day: int, start_ms: int) -> _Mood:
    """What the listener is after: own centre, the phase's lean, less energy at night."""
    valence, energy, pickiness = listener.valence, listener.energy, listener.pickiness
    for phase in listener.phases:
        if phase.first <= day <= phase.last:
            valence, energy = valence + phase.valence, energy + phase.energy
            pickiness = PHASE_PICKINESS
    hour = datetime.fromtimestamp(start_ms / 1000, ZoneInfo(listener.time_zone)).hour
    return _Mood(valence, energy - (0.12 if hour >= 22 or hour < 5 else 0.0), pickiness)


def _session(rng: Random, listener: Listener, day: int, start_ms: int, length: int) -> Iterator[Play]:
    """Consecutive plays: a mood-led mix, an album from its first song on, or something spoken."""
    at = start_ms
    offline, incognito, shuffle = rng.random() < 0.06, rng.random() < 0.03, rng.random() < 0.5
    if rng.random() < listener.spoken:
        yield _spoken_play(rng, listener, at, offline)
        return
    mood = _mood(listener, day, at)
    album: list[Track] = []
    if rng.random() < ALBUM_SESSION_SHARE:
        opener = _choose(rng, listener, mood)
        album = [track for track in listener.tracks if track.releases[0].album == opener.releases[0].album]
        length, shuffle = min(length, len(album)), False
    reason = rng.choice(("clickrow", "playbtn", "appload"))
    previous: Track | None = None
    for number in range(length):
        track = album[number] if album else _choose(rng, listener, mood)
        if track is previous:  # repeats in a row are rarer than a narrow taste would give
            track = _choose(rng, listener, mood)
        previous = track
        last = number == length - 1
        if rng.random() < listener.skip * (0.3 if album else 1.0):
            heard_ms = 0.0 if rng.random() < 0.03 else rng.expovariate(1 / 14_000) + 900
            ms_played = int(min(track.duration_ms * 0.6, heard_ms))
            reason_end = "fwdbtn" if rng.random() < 0.93 else "backbtn"
        elif last and rng.random() < 0.5:
            ms_played = int(track.duration_ms * rng.uniform(0.2, 0.98))
            reason_end = rng.choice(("endplay", "logout"))
        else:
            ms_played, reason_end = track.duration_ms, "trackdone"
        # the single's id is the one that playlists link to
        release = int(len(track.releases) > 1 and not album and rng.random() < 0.5)
        yield Play("music", at, ms_played, track.duration_ms, track, release, ("", ""), listener.country,
                   reason, reason_end, shuffle, offline, incognito)  # fmt: skip
        reason = reason_end if reason_end in ("fwdbtn", "backbtn", "trackdone") else "clickrow"
        at += ms_played + rng.randrange(200, 2500)


def _choose(rng: Random, listener: Listener, mood: _Mood) -> Track:
    """A song by taste; the pickier the listener, the more often the candidate nearest to the mood."""
    total = listener.weights[-1]
    if rng.random() >= mood.pickiness:
        return listener.tracks[bisect(listener.weights, rng.random() * total)]
    best, nearest = listener.tracks[0], 9.0
    for _ in range(CANDIDATES):
        track = listener.tracks[bisect(listener.weights, rng.random() * total)]
        distance = abs(track.features.valence - mood.valence) + abs(track.features.energy - mood.energy)
        if distance < nearest:
            best, nearest = track, distance
    return best


def _spoken_play(rng: Random, listener: Listener, at: int, offline: bool) -> Play:
    kind: Kind = "podcast" if rng.random() < 0.7 else "audiobook"
    library = names.SHOWS if kind == "podcast" else names.AUDIOBOOKS
    work = rng.choice(tuple(library))
    duration = rng.randrange(900_000, 3_600_000)
    ms_played = int(duration * min(1.0, rng.uniform(0.1, 1.4)))
    reason_end = "trackdone" if ms_played == duration else "endplay"
    return Play(kind, at, ms_played, duration, None, 0, (work, rng.choice(library[work])), listener.country,
                "clickrow", reason_end, False, offline, False)  # fmt: skip
