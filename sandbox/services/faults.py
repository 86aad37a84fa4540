"""Switches faults on and off, and decides for each request which of them it meets.

A decision depends on the account (or, where a service has none, on what is asked) and on how often it was asked
before, never on which thread came first.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from sandbox.services.clock import to_ms
from sandbox.services.scenarios import FAULTS, Fault

Options = dict[str, float]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a decision may depend on."""

    service: str
    account: str | None
    endpoint: str
    content: str  # tells requests without an account apart
    now_ms: int


@dataclass(frozen=True)
class FaultMix:
    """At most one fault at random on each request, with probability `rate`.

    `names` limits the mix to faults or whole services, `without` takes some out, `options` sets options by full name
    ("spotify.quota") or by the name's last part ("timeout", "rate").
    """

    seed: int
    rate: float
    names: Collection[str] = ()
    without: Collection[str] = ()
    options: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def draw(self, asked: Asked, key: str) -> Fault | None:
        rng = Random(f"{self.seed}/{key}")
        if rng.random() >= self.rate:
            return None
        choice = [fault for fault in FAULTS.values() if fault.in_mix and self._takes(fault) and _fits(fault, asked)]
        return rng.choice(choice) if choice else None

    def _takes(self, fault: Fault) -> bool:
        own = {fault.name, fault.service}
        return not own & set(self.without) and (not self.names or bool(own & set(self.names)))

    def options_of(self, fault: Fault) -> Options:
        short = fault.name.partition(".")[2]
        return {**fault.options, **self.options.get(short, {}), **self.options.get(fault.name, {})}


@dataclass
class Switch:
    """A fault that is on; `times` counts down."""

    fault: Fault
    account: str | None
    times: int | None
    probability: float | None
    start_ms: int | None
    end_ms: int | None
    options: Options
    seed: int

    def meets(self, asked: Asked, key: str) -> bool:
        if self.times == 0 or not _fits(self.fault, asked):
            return False
        if self.account is not None and self.account != asked.account:
            return False
        if self.start_ms is not None and asked.now_ms < self.start_ms:
            return False
        if self.end_ms is not None and asked.now_ms >= self.end_ms:
            return False
        return self.probability is None or Random(f"{self.seed}/{self.fault.name}/{key}").random() < self.probability


def _fits(fault: Fault, asked: Asked) -> bool:
    return fault.service == asked.service and (not fault.endpoints or asked.endpoint in fault.endpoints)


def known(name: str) -> Fault:
    """The fault of that name; ValueError says how to find the names."""
    if name not in FAULTS:
        raise ValueError(f"no fault is called {name!r}; python -m sandbox.services --list-faults lists them")
    return FAULTS[name]


class Faults:
    """All switches of a sandbox."""

    def __init__(self, mix: FaultMix | None = None) -> None:
        self.mix = mix
        self._switches: list[Switch] = []
        self._asked: Counter[str] = Counter()
        self._lock = threading.Lock()

    def on(
        self,
        name: str,
        *,
        account: str | None = None,
        times: int | None = None,
        probability: float | None = None,
        start: datetime | None = None,
        end: datetime | None = None,
        seed: int = 0,
        **options: float,
    ) -> None:
        """Switch a fault on: for one listener, for so many requests, by chance, in an interval of the sandbox clock.

        Without any of these it stays on for all until `off`. `options` are the fault's own.
        """
        fault = known(name)
        if strange := options.keys() - fault.options.keys():
            raise ValueError(f"{name} has no option {', '.join(sorted(strange))}")
        switch = Switch(
            fault,
            account,
            times,
            probability,
            None if start is None else to_ms(start),
            None if end is None else to_ms(end),
            {**fault.options, **options},
            seed,
        )
        with self._lock:
            self._switches.append(switch)

    def off(self, name: str | None = None, *, account: str | None = None) -> None:
        """Switch off what `on` switched on: one fault, one listener's, or all (the mix too, without arguments)."""
        if name is not None:
            known(name)
        with self._lock:
            if name is None and account is None:
                self.mix = None
            self._switches = [
                switch
                for switch in self._switches
                if (name is not None and switch.fault.name != name)
                or (account is not None and switch.account != account)
            ]

    def active(self) -> list[Switch]:
        with self._lock:
            return [switch for switch in self._switches if switch.times != 0]

    def peek(self, name: str, account: str, now_ms: int) -> Options | None:
        """The options of a fault that is on for that account at that moment, without counting it."""
        fault = known(name)
        endpoint = fault.endpoints[0] if fault.endpoints else ""
        asked = Asked(fault.service, account, endpoint, "", now_ms)
        for switch in self.active():
            if switch.fault is fault and switch.probability is None and switch.meets(asked, ""):
                return switch.options
        return None

    def draw(self, asked: Asked) -> dict[str, Options]:
        """The faults that this request meets, each with its options; counts it against their `times`."""
        place = f"{asked.service}/{asked.account or asked.content}/{asked.endpoint}"
        met: dict[str, Options] = {}
        with self._lock:
            key = f"{place}/{self._asked[place]}"
            self._asked[place] += 1
            for switch in self._switches:
                if switch.fault.name not in met and switch.meets(asked, key):
                    met[switch.fault.name] = switch.options
                    if switch.times is not None:
                        switch.times -= 1
            mix = self.mix
        if mix is not None and (fault := mix.draw(asked, key)):
            met.setdefault(fault.name, mix.options_of(fault))
        return met
