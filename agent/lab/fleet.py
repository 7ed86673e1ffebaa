"""Owns a fleet: many machines on loopback in one process, one event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import secrets as entropy
import threading
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from agent.lab.clock import Clock, RealClock
from agent.lab.faults import FAULTS, FaultError, Order, inject, parse
from agent.lab.node import Node, Shared
from agent.lab.truth import Account, account
from agent.lab.web.authority import LabAuthority
from agent.lab.web.hop import HopLimits
from agent.lab.winrm.logon import Authority
from agent.lab.winrm.quotas import Quotas
from agent.lab.world.accounts import User
from agent.lab.world.build import client_access, exchange_2003
from agent.lab.world.forest import Forest

T = TypeVar("T")

ADMINISTRATOR = "easfix"
MIX = (
    ("require-ssl",),
    ("healthy",),
    ("require-ssl-128",),
    ("inherited-ssl",),
    ("child-override",),
    ("second-site",),
    ("require-ssl", "psrp-disabled"),
    ("front-end",),
    ("clustered-ds2mb",),
    ("basic-only",),
    ("exchange-vdir-ssl",),
    ("unreachable",),
)
"""What EX01, EX02 ... have when no fault is named: each common case; it begins again after the last."""

_LAST = "reboot-mid-run"  # waits for a change of the flag, so the other faults must have made theirs


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take in the lab, in seconds, and how a back-end that requires SSL looks to the proxy."""

    restart_seconds: float = 12.0
    warm_up_seconds: float = 2.0
    proxy_seconds: float = 10.0
    hop_hangs: bool = True  # domain 1.3 against 1.5: hang, or a prompt 403


class Fleet:
    """`with Fleet(servers=3, proxies=1, faults=["require-ssl@EX01"]) as fleet:`

    `faults` of None is the mix. Thread-safe once entered; leaving it ends every port, thread and process it made.
    """

    def __init__(
        self,
        servers: int = 3,
        proxies: int = 1,
        faults: Iterable[str] | None = None,
        *,
        seed: int | None = None,
        pace: Pace | None = None,
        clock: Clock | None = None,
        quotas: Quotas | None = None,
    ) -> None:
        self.seed = seed if seed is not None else entropy.randbelow(1 << 32)
        self.pace = pace or Pace()
        self._own_clock = None if clock else RealClock()
        self.clock: Clock = clock or self._own_clock or RealClock()
        self.forest = Forest(self.clock)
        self.orders = _orders(servers, proxies, faults)
        self.administrator = self._user(ADMINISTRATOR, is_admin=True)
        self.authority = Authority(self.forest.accounts)
        self.certificates = LabAuthority()
        self.nodes: dict[str, Node] = {}
        self.phones: dict[str, User] = {}
        shared = self._shared(quotas or Quotas())
        for number in range(1, servers + 1):
            self._add_server(f"EX{number:02}", shared)
        for number in range(1, proxies + 1):
            machine = client_access(
                f"CAS{number:02}",
                self.forest,
                (2007, 2010)[number % 2],
                address=_address(len(self.nodes)),
                seed=self.seed,
            )
            self.nodes[machine.name] = Node(machine, shared)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="lab-loop", daemon=True)

    # --- use ---------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        """Open every port and inject the faults."""
        self._thread.start()
        self.call(self._start())
        for order in self.orders:
            self.inject(order)
        for node in self.servers:
            node.machine.ds2mb.settle()  # what was written to the directory just now has always been there
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close everything."""
        self.call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        for node in self.nodes.values():
            node.machine.processes.clear()
        if self._own_clock is not None:
            self._own_clock.close()
        self.authority.close()

    def __getitem__(self, name: str) -> Node:
        """The machine of that name, without regard to case."""
        return self.nodes[name.upper()]

    @property
    def servers(self) -> list[Node]:
        """The Exchange 2003 servers, by name."""
        return [node for node in self.nodes.values() if not node.is_proxy]

    @property
    def proxies(self) -> list[Node]:
        """The Client Access servers, by name."""
        return [node for node in self.nodes.values() if node.is_proxy]

    def fault(self, text: str) -> None:
        """Inject a fault while running, NAME[=ARG]@SERVER; FaultError says what is wrong with it."""
        order = parse(text)
        if order.fault.at_start_only:
            raise FaultError(f"{order.fault.name} belongs to how a server is built: name it when the lab is started")
        if order.server not in self.nodes:
            raise FaultError(f"there is no server {order.server}; there are: {', '.join(self.nodes)}")
        self.inject(order)

    def inject(self, order: Order) -> None:
        """Inject a fault that is already understood."""
        inject(self.nodes[order.server], order)

    def truth(self) -> list[Account]:
        """The lab's own account of every machine."""
        return [account(node) for node in self.nodes.values()]

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the fleet's loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    # --- making ------------------------------------------------------------------------------------------------

    def _shared(self, quotas: Quotas) -> Shared:
        pace = self.pace
        limits = HopLimits(stage_seconds=pace.proxy_seconds, hangs_on_ssl=pace.hop_hangs)
        return Shared(self.authority, self.certificates, self.authority.secrets, limits, quotas, pace.warm_up_seconds)

    def _add_server(self, name: str, shared: Shared) -> None:
        wanted = {order.fault.name for order in self.orders if order.server == name}
        machine = exchange_2003(
            name,
            self.forest,
            front_end="front-end" in wanted,
            clustered="clustered-ds2mb" in wanted,
            address=_address(len(self.nodes)),
            seed=self.seed,
        )
        machine.iisreset.seconds = self.pace.restart_seconds
        self.nodes[name] = Node(machine, shared)
        self.phones[name] = self._user(f"phone-{name.lower()}", mailbox_server=name)

    def _user(self, name: str, **what: Any) -> User:
        return self.forest.accounts.add(name, _password(), **what)

    async def _start(self) -> None:
        for node in self.nodes.values():
            await node.start()

    async def _stop(self) -> None:
        await asyncio.gather(*(node.stop() for node in self.nodes.values()))


def mix(servers: int) -> list[str]:
    """The faults of a fleet for which none was named."""
    return [f"{name}@EX{number + 1:02}" for number in range(servers) for name in MIX[number % len(MIX)]]


def _orders(servers: int, proxies: int, faults: Iterable[str] | None) -> list[Order]:
    names = [f"EX{number + 1:02}" for number in range(servers)] + [f"CAS{number + 1:02}" for number in range(proxies)]
    orders = [parse(text) for text in (mix(servers) if faults is None else faults)]
    for order in orders:
        if order.server not in names:
            raise FaultError(f"there is no server {order.server}; there are: {', '.join(names)}")
    return sorted(orders, key=_turn)


def _turn(order: Order) -> tuple[bool, int]:
    return order.fault.name == _LAST, list(FAULTS).index(order.fault.name)


def _address(number: int) -> str:
    """An address for logs and address restrictions, of the range for tests (RFC 2544); nothing is ever sent there."""
    return f"198.18.{number // 250}.{number % 250 + 1}"


def _password() -> str:
    """Fresh for each fleet, whatever the seed: a practice fleet listens on a real machine."""
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-_:!"
    return "".join(entropy.choice(alphabet) for _ in range(24))
