"""The sandbox's own endpoints, `/_sandbox/...`, for a client in another process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, request

from sandbox.services.clock import from_ms
from sandbox.services.scenarios import FAULTS
from sandbox.services.state import State, reply


def control(
    state: State, settings: Callable[[], dict[str, str]], accounts: Callable[[], list[dict[str, Any]]]
) -> Blueprint:
    """Routes for the clock, the faults, the journals and the accounts."""
    routes = Blueprint("_sandbox", __name__, url_prefix="/_sandbox")

    def clock() -> Response:
        """GET says the time; POST {"now": ISO time} or {"advance_seconds": n}, with "frozen": true to stop it."""
        if request.method == "POST":
            wanted = request.get_json()
            if "now" in wanted:
                state.clock.set(datetime.fromisoformat(wanted["now"]), frozen=bool(wanted.get("frozen")))
            state.clock.advance(timedelta(seconds=float(wanted.get("advance_seconds", 0))))
        return reply({"now": state.clock.now().isoformat()})

    def faults() -> Response:
        """GET lists names and what is on; POST {"on": name, "account":, "times":, ...}; DELETE [?name=] is off."""
        if request.method == "POST":
            wanted = request.get_json()
            for key in {"start", "end"} & wanted.keys():
                wanted[key] = datetime.fromisoformat(wanted[key])
            try:
                state.faults.on(wanted.pop("on"), **wanted)
            except (ValueError, TypeError, KeyError) as error:
                return reply({"error": str(error)}, 400)
        elif request.method == "DELETE":
            state.faults.off(request.args.get("name"), account=request.args.get("account"))
        on = [
            {
                "name": switch.fault.name,
                "account": switch.account,
                "times": switch.times,
                "probability": switch.probability,
                "start": None if switch.start_ms is None else from_ms(switch.start_ms).isoformat(),
                "end": None if switch.end_ms is None else from_ms(switch.end_ms).isoformat(),
                "options": switch.options,
            }
            for switch in state.faults.active()
        ]
        return reply({"known": {name: fault.doc for name, fault in FAULTS.items()}, "on": on})

    def requests() -> Response:
        """GET lists requests, filtered by ?service=, account=, endpoint=; DELETE forgets them."""
        if request.method == "DELETE":
            state.requests.clear()
        fields = {name: value for name, value in request.args.items() if name in ("service", "account", "endpoint")}
        found = state.requests.where(**fields)
        return reply({"count": len(found), "requests": [asdict(item) for item in found]})

    def violations() -> Response:
        if request.method == "DELETE":
            state.violations.clear()
        return reply({"count": len(state.violations), "violations": [asdict(item) for item in state.violations]})

    def list_accounts() -> Response:
        return reply({"settings": settings(), "accounts": accounts()})

    routes.add_url_rule("/clock", view_func=clock, methods=["GET", "POST"])
    routes.add_url_rule("/faults", view_func=faults, methods=["GET", "POST", "DELETE"])
    routes.add_url_rule("/requests", view_func=requests, methods=["GET", "DELETE"])
    routes.add_url_rule("/violations", view_func=violations, methods=["GET", "DELETE"])
    routes.add_url_rule("/accounts", view_func=list_accounts)
    return routes
