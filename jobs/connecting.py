"""What follows a consent at Spotify: whose account it is, its place in the lake, and a first look at what it shows."""

from __future__ import annotations

from collections import Counter

from clients.errors import BadPayloadError
from clients.feeds import Batch, Window
from jobs.accounts import Check, Connection, add_connection, checked, connection_id, connections
from jobs.plan import INGESTS
from jobs.runtime.errors import UsageError
from jobs.runtime.lake import Lake
from jobs.runtime.publish import recover
from jobs.services import Services


def spotify_ids(services: Services, credential: str) -> tuple[str, ...]:
    """What Spotify calls the account of a token, the stable id first. Raises a ClientError."""
    me = services.spotify.get_me(credential)
    ids = tuple(str(me[name]) for name in ("account_id", "id") if me.get(name))
    if not ids:
        raise BadPayloadError("Spotify API error: the account has no id", service="Spotify")
    return ids


def connect_spotify(lake: Lake, user: str, credential: str, ids: tuple[str, ...]) -> Connection:
    """The connection that the token `credential` belongs to; made for `user` where there is none yet.

    Raises UsageError where that token reached another account before.
    """
    recover(lake)
    known = [one for one in connections(lake) if one.source == "spotify"]
    ours = {connection_id(lake, user, "spotify", source_user) for source_user in ids}
    for one in known:
        if one.credential == credential:
            if one.source_user.casefold() in map(str.casefold, ids):
                return one
            raise UsageError(
                f"this is another Spotify account than the one connected as {credential}: log in at Spotify as that "
                "one, connect this one beside it with --credential NAME, or drop that one with `accounts remove`"
            )
    source_user = next((one.source_user for one in known if one.connection_id in ours), ids[0])
    return add_connection(lake, user, "spotify", source_user, credential=credential)


def first_look(services: Services, connection: Connection) -> list[Check]:
    """What the account shows now, in words; nothing of it is stored, that is the next run's."""
    window = Window(None, services.clock.now())

    def fetched(table: str) -> list[Batch]:
        ingest = next(ingest for ingest in INGESTS if ingest.table == table)
        return [*services.feed(ingest).batches(connection.account, window)]

    def plays() -> str:
        batches = fetched("bronze.spotify_plays")
        count = sum(len(batch.records) for batch in batches)
        newest = max((batch.covered_to for batch in batches if batch.covered_to), default=None)
        return f"{count} in reach{f', the newest of {newest:%Y-%m-%d %H:%M} UTC' if newest else ''}."

    def top_items() -> str:
        records = [record for batch in fetched("bronze.spotify_top_items") for record in batch.records]
        count = Counter(record["entity"] for record in records)
        return f"{count['artists']} artists and {count['tracks']} tracks over three ranges."

    return [checked("recent plays", plays), checked("top items", top_items)]
