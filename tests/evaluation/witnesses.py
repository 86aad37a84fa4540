"""Plays seen through two to four feeds each, with the errors of the feeds' clocks and names, and which record is of
which play.

What a feed does to a play is written from the services' contracts, not from the rule that is judged: exports have
every play and stamp its end, one in whole seconds and one in minutes; Spotify's API has plays of 30 s or more, stamped
at the end or the start, some a second time at another night with another stamp; scrobblers have what was heard to the
half, stamped at the start in whole seconds, late and by a clock of their own.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random

FIRST_DAY = int(datetime(2024, 3, 1, tzinfo=UTC).timestamp() * 1000)
DAY_MS = 86_400_000
PLAYS_A_DAY = 40
PLAYS_OF_A_LISTENER = 500
SONGS_OF_A_LISTENER = 60
MIN_PAUSE_MS = 200  # between two songs; one server stamps them, so its stamps keep their order
# Shares of songs, plays, records or listeners.
IN_CATALOGUE, RENAMED = 0.7, 0.05
LOOPED, TAKEN_UP_AGAIN = 0.04, 0.04  # played over and over; played again after another song
SKIPPED, BROKEN_OFF, PAUSED = 0.15, 0.10, 0.03
STAMPED_AT_START, SEEN_TWICE, SHIFTED = 0.15, 0.015, 0.5
WITHOUT_LENGTH, WITHOUT_ID = 0.4, 0.5
SKEWED_CLOCKS = 0.1
UNSEEN = 0.01  # records a feed lost
OUTAGE = 0.02  # days at which a feed has nothing
WORDS = re.findall(
    r"\S+",
    "Amor Blue Cold Dançar Echo Fire Ghost Heart Île Jour Koda Light Moon Night Océan Paper Queen River Señor Time "
    "Under Velvet Winter Years Zero Dream Glass Hotel Kiss Lover Mirror North Open Pulse Rain Silver Tide Voice Wave",
)
OTHERWISE_WRITTEN = (
    "{} - Remastered 2011", "{} (2009 Remaster)", "{} (feat. Alma)", "{} - Deluxe Edition", "{} (Album Version)",
    "{} - Single Version", "{} (Bonus Track)", "{} - 2015 Stereo Mix",
)  # fmt: skip
OTHER_SONGS = ("{} (Live)", "{} - Acoustic", "{} Pt. 2", "{} II", "{} - Remix")
SPOTIFYS_OWN = ("spotify_extended", "spotify_account", "spotify_api")
SCROBBLERS = ("lastfm", "listenbrainz", "csv:diary", "lastfm_1k")


@dataclass(frozen=True)
class Song:
    """`renamed` is what feeds that know its id may call it by now; the catalogue has those songs by their old title."""

    artist: str
    title: str
    spotify_id: str
    duration_ms: int
    is_catalogue: bool
    renamed: str | None


@dataclass(frozen=True)
class Play:
    number: int
    user: str
    song: Song
    start_ms: int
    ms_played: int
    pause_ms: int
    is_repeat: bool

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.ms_played + self.pause_ms


@dataclass(frozen=True)
class Record:
    """A play as a feed tells it, in the shape of silver.plays; `play` is the truth and `traits` what makes it hard."""

    play: int
    traits: frozenset[str]
    user_id: str
    source: str
    event_ms: int
    artist_name: str
    track_name: str
    spotify_id: str | None
    duration_ms: int | None
    ms_played: int | None
    fetched_in: str | None

    @property
    def event_id(self) -> str:
        key = (self.source, self.user_id, self.event_ms, self.ms_played, self.artist_name, self.track_name)
        return hashlib.md5(repr(key).encode()).hexdigest()

    @property
    def event_at(self) -> datetime:
        return datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=self.event_ms)

    @property
    def source_track_key(self) -> str:
        return self.spotify_id or f"{self.artist_name}\x1f{self.track_name}"


def make_songs(count: int, *, seed: int) -> list[Song]:
    """Songs of few artists; one in ten is another version of the song before it, one in fifteen is long or short."""
    rng = Random(f"songs {seed}")
    artists = [f"{'The ' if n % 5 == 0 else ''}{_words(rng, 1, 2)} {n}" for n in range(max(3, count // 8))]
    songs: list[Song] = []
    for number in range(count):
        artist, title = rng.choice(artists), f"{_words(rng, 1, 3)} {number}"
        if number % 10 == 9:
            artist, title = songs[-1].artist, rng.choice(OTHER_SONGS).format(songs[-1].title)
        seconds = rng.gauss(215, 45)
        if number % 15 == 7:
            seconds = rng.choice((rng.uniform(45, 90), rng.uniform(600, 1500)))
        renamed = f"{_words(rng, 2, 3)} {number} B" if rng.random() < RENAMED else None
        is_catalogue = renamed is not None or rng.random() < IN_CATALOGUE
        songs.append(Song(artist, title, f"{number:022d}", int(max(45, seconds) * 1000), is_catalogue, renamed))
    return songs


def make_plays(count: int, *, seed: int) -> list[Play]:
    """Plays of as many listeners as it takes, in sessions, some songs over and over."""
    rng = Random(f"plays {seed}")
    songs = make_songs(max(80, count // 20), seed=seed)
    plays: list[Play] = []
    while len(plays) < count:
        user = f"listener-{len(plays):06d}"
        own = rng.sample(songs, min(len(songs), SONGS_OF_A_LISTENER))
        own += [song for song in songs if song.artist in {own[0].artist, own[1].artist}]
        wanted = min(PLAYS_OF_A_LISTENER, count - len(plays))
        plays += _plays_of(rng, user, own, first=len(plays), count=wanted)
    return plays


def _plays_of(rng: Random, user: str, songs: list[Song], *, first: int, count: int) -> list[Play]:
    plays: list[Play] = []
    at, ends_session = FIRST_DAY, FIRST_DAY
    queue: list[tuple[Song, bool]] = []
    while len(plays) < count:
        if at >= ends_session:
            at += int(rng.expovariate(1 / (DAY_MS / 3)))
            ends_session = at + int(rng.uniform(0.5, 2.5) * 3_600_000)
            queue = []
        if not queue:
            song, luck = rng.choice(songs), rng.random()
            queue = [(song, False)]
            if luck < LOOPED:
                queue += [(song, True)] * rng.randrange(1, 6)
            elif luck < LOOPED + TAKEN_UP_AGAIN:
                queue += [(rng.choice(songs), False), (song, True)]
        song, is_repeat = queue.pop(0)
        luck, ms_played = rng.random(), song.duration_ms
        if luck < SKIPPED:
            ms_played = min(song.duration_ms, 900 + int(rng.expovariate(1 / 12_000)))
        elif luck < SKIPPED + BROKEN_OFF:
            ms_played = int(song.duration_ms * rng.uniform(0.1, 0.98))
        pause = int(rng.uniform(3_000, 120_000)) if rng.random() < PAUSED else 0
        play = Play(first + len(plays), user, song, at, ms_played, pause, is_repeat)
        plays.append(play)
        at = play.end_ms + rng.randrange(MIN_PAUSE_MS, 2_500)
    return plays


def seen(plays: list[Play], *, seed: int) -> list[Record]:
    """What the feeds of each listener have of the plays; no two records share an event id."""
    rng = Random(f"feeds {seed}")
    by_user: dict[str, list[Play]] = {}
    for play in plays:
        by_user.setdefault(play.user, []).append(play)
    records: dict[str, Record] = {}
    for user, own in by_user.items():
        for feed in _feeds(rng):
            outages = {day for day in range(1, 400) if rng.random() < OUTAGE}
            told = rng.getrandbits(64)
            for play in own:
                if rng.random() < UNSEEN or (play.start_ms - FIRST_DAY) // DAY_MS in outages:
                    continue
                for record in feed.tell(Random(f"{told} {play.number}"), play):
                    records.setdefault(record.event_id, replace(record, user_id=user))
    return list(records.values())


def _feeds(rng: Random) -> list[Feed]:
    names = rng.sample((*SPOTIFYS_OWN, *SCROBBLERS), rng.choice((2, 2, 3, 3, 4)))
    skew = int(rng.choice((-1, 1)) * rng.uniform(15_000, 45_000)) if rng.random() < SKEWED_CLOCKS else 0
    return [Feed(name, skew, rng.random() < 0.5) for name in names]


@dataclass(frozen=True)
class Feed:
    """One listener's account at a service. Scrobblers may stamp by a clock that is `skew_ms` off, and a file's times
    may be in whole minutes."""

    name: str
    skew_ms: int
    in_minutes: bool

    def tell(self, rng: Random, play: Play) -> Iterator[Record]:
        """The play's records here: mostly one, none where the service does not count it."""
        match self.name:
            case "spotify_extended":
                end = -(-play.end_ms // 1000) * 1000
                yield self._record(play, end - play.ms_played, ms_played=play.ms_played, with_id=True)
            case "spotify_account":
                end = play.end_ms // 60_000 * 60_000
                yield self._record(play, end - play.ms_played, "minutes", ms_played=play.ms_played)
            case "spotify_api":
                if play.ms_played >= 30_000:
                    yield from self._recent(rng, play)
            case _:
                if play.ms_played >= min(play.song.duration_ms / 2, 240_000):
                    yield self._scrobble(rng, play)

    def _recent(self, rng: Random, play: Play) -> Iterator[Record]:
        night = (play.end_ms + 7_000) // DAY_MS
        end = play.end_ms + rng.randrange(MIN_PAUSE_MS)
        stamps = [(play.start_ms, "start stamp"), (end, "end stamp")]
        if rng.random() >= STAMPED_AT_START:
            stamps.reverse()
        (stamp, trait), (other, _) = stamps
        length = play.song.duration_ms
        yield self._record(play, stamp, trait, with_id=True, length=length, fetched_in=f"night-{night}")
        if rng.random() < SEEN_TWICE:
            again = stamp + rng.randrange(1_000, 20_000) * rng.choice((-1, 1)) if rng.random() < SHIFTED else other
            yield self._record(play, again, "seen twice", with_id=True, length=length, fetched_in=f"night-{night + 1}")

    def _scrobble(self, rng: Random, play: Play) -> Record:
        stamp = play.start_ms + self.skew_ms + min(40_000, int(rng.expovariate(1 / 3_000))) + int(rng.gauss(0, 1_500))
        unit = 60_000 if self.in_minutes and self.name == "csv:diary" else 1000
        traits = ["clock" if self.skew_ms else "lag"] if unit == 1000 else ["minutes"]
        length = play.song.duration_ms // 1000 * 1000 if self.name in ("listenbrainz", "csv:diary") else None
        if length and rng.random() < WITHOUT_LENGTH:
            length = None
        if length is None:
            traits.append("no duration")
        with_id = self.name == "listenbrainz" and rng.random() >= WITHOUT_ID
        return self._record(play, stamp // unit * unit, *traits, with_id=with_id, length=length)

    def _record(
        self,
        play: Play,
        event_ms: int,
        *traits: str,
        with_id: bool = False,
        length: int | None = None,
        ms_played: int | None = None,
        fetched_in: str | None = None,
    ) -> Record:
        song = play.song
        artist, title, found = song.artist, song.title, set(traits)
        if play.is_repeat:
            found.add("repeat")
        if play.pause_ms:
            found.add("paused")
        if song.renamed and with_id and self.name in ("spotify_extended", "listenbrainz"):
            title = song.renamed
            found.add("other title, same id")
        else:
            artist, title = self._spelled(artist, title)
            if (artist, title) != (song.artist, song.title):
                found.add("renamed")
        return Record(
            play=play.number,
            traits=frozenset(found or {"none"}),
            user_id=play.user,
            source=self.name,
            event_ms=event_ms,
            artist_name=artist,
            track_name=title,
            spotify_id=song.spotify_id if with_id else None,
            duration_ms=length,
            ms_played=ms_played,
            fetched_in=fetched_in,
        )

    def _spelled(self, artist: str, title: str) -> tuple[str, str]:
        """One spelling of a song by feed; half of the songs are written as everywhere."""
        rng = Random(f"{self.name} {artist} {title}")
        luck = rng.random()
        if luck < 0.2:
            return artist, rng.choice(OTHERWISE_WRITTEN).format(title)
        if luck < 0.3:
            return artist.upper(), title.lower()
        if luck < 0.4:
            return artist.removeprefix("The "), title.translate(str.maketrans("çéñÎ", "cenI"))
        return artist, title


def _words(rng: Random, low: int, high: int) -> str:
    return " ".join(rng.choice(WORDS) for _ in range(rng.randint(low, high)))
