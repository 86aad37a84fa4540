"""What follows a consent at Spotify: whose account it is, its place in the lake, and its first plays."""

from __future__ import annotations

from clients.errors import BadPayloadError
from jobs.accounts import Connection, add_connection, connection_id, connections
from jobs.ingesting import Asked, Report, ingest
from jobs.runtime.errors import UsageError
from jobs.runtime.lake import Lake
from jobs.runtime.ops import new_run_id
from jobs.runtime.publish import recover
from jobs.runtime.settings import Settings
from jobs.services import Services


def spotify_ids(services: Services, credential: str) -> tuple[str, ...]:
    """What Spotify calls the account of a token, the stable id first. Raises a ClientError."""
    me = services.spotify.get_me(credential)
    ids = tuple(str(me[name]) for name in ("account_id", "id") if me.get(name))
    if not ids:
        raise BadPayloadError("Spotify API error: the account has no id", service="Spotify")
    return ids


def check_same_account(source_user: str, credential: str, ids: tuple[str, ...]) -> None:
    """Raises UsageError unless `source_user` is one of the ids of an account."""
    if source_user.casefold() not in map(str.casefold, ids):
        raise UsageError(
            f"this is another Spotify account than the one connected as {credential}: log in at Spotify as that "
            "one, connect this one beside it with --credential NAME, or drop that one with `accounts remove`"
        )


def connect_spotify(lake: Lake, user: str, credential: str, ids: tuple[str, ...]) -> Connection:
    """The connection that the token `credential` belongs to; made for `user` where there is none yet.

    Raises UsageError where that token reached another account before.
    """
    recover(lake)
    known = [one for one in connections(lake) if one.source == "spotify"]
    ours = {connection_id(lake, user, "spotify", source_user) for source_user in ids}
    for one in known:
        if one.credential == credential:
            check_same_account(one.source_user, credential, ids)
            return one
    source_user = next((one.source_user for one in known if one.connection_id in ours), ids[0])
    return add_connection(lake, user, "spotify", source_user, credential=credential)


def first_fetch(lake: Lake, settings: Settings, services: Services, connection: Connection) -> Report:
    """What the account shows now, into bronze: by the first night some of it may be out of reach."""
    asked = Asked(streams=("spotify_plays", "spotify_top_items"), users=(connection.user_name,))
    today = services.clock.now().date()
    return ingest(lake, settings, services, new_run_id(), today, asked, now=services.clock.now())
