"""Which accounts at which services are fetched, and with which credential; a listener may have several at one."""

from __future__ import annotations

from schemas.contract import STRING, TIMESTAMP, Column, Contract, Matches, OneOf, References
from schemas.vocab import ACCOUNT_SOURCES

CONTRACT = Contract(
    table="ops.connections",
    doc="Accounts at services that are fetched, as set with `accounts add` and `auth`.",
    grain="An account of a listener at a service.",
    key=("connection_id",),
    columns=(
        Column(
            "connection_id", STRING, "Hash of listener, source and the name there, its case left out; 32 hex digits"
        ),
        Column("user_id", STRING, "Pseudonym of the listener"),
        Column("source", STRING, "The service: spotify, lastfm or listenbrainz"),
        Column("source_user", STRING, "Who the listener is at the service"),
        Column("credential", STRING, "Name of the token that reaches the account; the listener's own unless given"),
        Column("added_at", TIMESTAMP, "When it was connected; what was heard later can be lost", unit="UTC"),
    ),
    checks=(
        Matches("connection_id", "^[0-9a-f]{32}$"),
        OneOf("source", ACCOUNT_SOURCES),
        References("user_id", "ops.accounts", "user_id"),
    ),
    personal_data="name",
    history=True,
)
