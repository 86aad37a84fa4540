"""Serves a made-up world's services on loopback until it is interrupted."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sandbox.services.faults import FaultMix, known
from sandbox.services.scenarios import FAULTS, SERVICES
from sandbox.services.server import Sandbox
from sandbox.world import make_world

PORT = 8700
AHEAD = timedelta(days=30)  # the world goes on for a month, so that new plays keep coming
RATE = 0.2  # of the requests meet a random fault
EXAMPLES = """\
examples:
  python -m sandbox.services
  python -m sandbox.services --port 8700 --listeners 6 --days 40 --end 2026-10-31 --now 2026-10-20T12:00:00+00:00
  python -m sandbox.services --faults spotify.features_app,lastfm.now_playing
  python -m sandbox.services --random-faults 7 --rate 0.3
  python -m sandbox.services --list-faults

while it runs:
  curl http://127.0.0.1:8700/_sandbox/accounts
  curl -X POST http://127.0.0.1:8700/_sandbox/clock -H 'Content-Type: application/json' -d '{"advance_seconds": 86400}'
  curl -X POST http://127.0.0.1:8700/_sandbox/faults -H 'Content-Type: application/json' -d '{"on": "lastfm.rate"}'
  curl http://127.0.0.1:8700/_sandbox/requests
  curl http://127.0.0.1:8700/_sandbox/violations
"""


def moment(text: str) -> datetime:
    """An ISO time; without a zone it is UTC."""
    parsed = datetime.fromisoformat(text)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def fault_names(text: str) -> list[str]:
    try:
        return [known(name.strip()).name for name in text.split(",") if name.strip()]
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def list_faults() -> str:
    width = max(map(len, FAULTS))
    lines = []
    for fault in FAULTS.values():
        options = ", ".join(f"{name}={value:g}" for name, value in fault.options.items())
        lines.append(f"{fault.name:<{width}}  {fault.doc}{f' ({options})' if options else ''}")
    return "\n".join(lines)


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m sandbox.services",
        description="Serve a made-up world: Spotify, Last.fm, ListenBrainz and the others, as strict as the real ones.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--port", type=int, default=PORT, help="port on 127.0.0.1, 0 for a free one (%(default)s)")
    parser.add_argument("--seed", type=int, default=7, help="another seed, another world (%(default)s)")
    parser.add_argument("--listeners", type=int, default=30, help="how many listeners (%(default)s)")
    parser.add_argument("--days", type=int, default=120, help="length of the world's time in days (%(default)s)")
    parser.add_argument(
        "--end", type=date.fromisoformat, metavar="YYYY-MM-DD", help="its last day, UTC (30 days from now)"
    )
    parser.add_argument("--now", type=moment, metavar="TIME", help="where the sandbox clock starts (real time)")
    parser.add_argument("--faults", type=fault_names, default=[], metavar="NAME[,NAME]", help="faults that are on")
    parser.add_argument("--random-faults", type=int, metavar="SEED", help="also meet faults at random")
    parser.add_argument("--rate", type=float, default=RATE, help="how many requests meet one (%(default)s)")
    parser.add_argument("--openapi", type=Path, metavar="FILE", help="description of Spotify's Web API to check with")
    parser.add_argument("--list-faults", action="store_true", help="name all faults and end")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None, stop: threading.Event | None = None) -> int:
    """Serve until a signal comes, or `stop` is set."""
    asked = parse(arguments)
    if asked.list_faults:
        print(list_faults())
        return 0
    stop = stop or threading.Event()
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
    end = asked.end or (datetime.now(UTC) + AHEAD).date()
    world = make_world(seed=asked.seed, listeners=asked.listeners, days=asked.days, end=end)
    mix = None if asked.random_faults is None else FaultMix(asked.random_faults, asked.rate)
    with Sandbox(
        world, now=asked.now, port=asked.port, faults=asked.faults, mix=mix, openapi=asked.openapi
    ) as box:  # fmt: skip
        print(f"{len(world.listeners)} listeners up to {end}, seed {asked.seed}; it is {box.clock.now():%F %T} UTC")
        for service in SERVICES:
            print(f"  {service:<17} {box.url(service)}")
        print(f"  {'(control)':<17} {box.url()}/_sandbox/clock, faults, requests, violations, accounts")
        print("stop with Ctrl-C", flush=True)
        stop.wait()
        print(f"{len(box.requests)} requests, {len(box.violations)} violations")
        for violation in box.violations:
            print(f"  {violation.kind} {violation.service} {violation.endpoint}: {violation.detail}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
