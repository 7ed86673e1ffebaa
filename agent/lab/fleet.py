"""Owns a fleet: many machines on loopback in one process, one event loop in a thread of its own."""

from __future__ import annotations

import asyncio
import secrets as entropy
import threading
from collections.abc import Coroutine, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self, TypeVar

from agent.lab.clock import Clock, RealClock
from agent.lab.faults import FAULTS, FaultError, Order, check_fit, inject, parse
from agent.lab.lifting import lift
from agent.lab.node import Node, Shared
from agent.lab.powershell.engine import load_vocabulary
from agent.lab.room import make_room
from agent.lab.truth import Account, UserAccount, account, user_account
from agent.lab.web.authority import LabAuthority
from agent.lab.web.hop import HopLimits
from agent.lab.winrm.logon import Authority
from agent.lab.winrm.quotas import Quotas
from agent.lab.world.accounts import User
from agent.lab.world.build import client_access, exchange_2003
from agent.lab.world.forest import Forest
from agent.lab.world.machine import Machine

T = TypeVar("T")

ADMINISTRATOR = "easfix"
SERVER, PROXY = "EX", "CAS"  # what the names begin with
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

# After these the other faults could not be made, or would set them off.
_LAST = ("disk-full", "no-eas-vdir", "reboot-mid-run", "unreachable")


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take in the lab, in seconds, and how a back-end that requires SSL looks to the proxy."""

    restart_seconds: float = 12.0
    warm_up_seconds: float = 2.0
    proxy_seconds: float = 10.0
    hop_hangs: bool = True  # domain 1.3 against 1.5: hang, or a prompt 403


class Fleet:
    """`with Fleet(servers=3, proxies=1, faults=["require-ssl@EX01"]) as fleet:`

    `faults` of None is the mix. Making one only checks the faults (FaultError); entering it makes the machines and
    opens their ports, leaving it ends every port, thread and file it made. Thread-safe once entered.
    """

    certificates: LabAuthority
    authority: Authority
    _loop: asyncio.AbstractEventLoop

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
        self._kinds = _kinds(servers, proxies)
        self.orders = _orders(self._kinds, mix(servers) if faults is None else faults)
        self.administrator = self.forest.add_user(ADMINISTRATOR, _password(), is_admin=True)
        self.nodes: dict[str, Node] = {}
        self.phones: dict[str, User] = {}
        self._quotas = quotas or Quotas()
        self._closing = ExitStack()

    # --- use ---------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        """Make the machines, open their ports, inject the faults; returns once every port does what it should.

        FaultError where a fault does not fit what the machine is by then; OSError where the system has no room.
        """
        make_room(len(self._kinds))
        with ExitStack() as stack:
            self._open(stack)
            for order in self.orders:
                self.inject(order)
            for node in self.nodes.values():
                _forget(node)
            self.call(self._settle())
            self._closing = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close everything."""
        self._closing.close()

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
        """Inject a fault while running, NAME[=ARG]@SERVER; in force on return. FaultError says what is wrong."""
        order = parse(text)
        check_fit(order, self._kinds)
        if order.fault.at_start_only:
            raise FaultError(f"{order.fault.name} belongs to how a server is built: name it when the lab is started")
        self.inject(order)
        self.call(self.nodes[order.server].settle())

    def lift(self, text: str) -> None:
        """Take one fault away while running, NAME@SERVER; gone on return. FaultError where it cannot be."""
        order = parse(text)
        check_fit(order, self._kinds)
        lift(self.nodes[order.server], order)
        self.call(self.nodes[order.server].settle())

    def inject(self, order: Order) -> None:
        """Inject a fault that is already understood."""
        node = self.nodes[order.server]
        inject(node, order)
        if order.fault.name != "healthy":
            node.injected.append(order.text)

    def truth(self) -> list[Account]:
        """The lab's own account of every machine."""
        return [account(node) for node in self.nodes.values()]

    def users(self) -> list[UserAccount]:
        """The lab's own account of every user it gave a password to."""
        return [user_account(user) for user in (self.administrator, *self.phones.values())]

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the fleet's loop and wait for it; never from the loop itself."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    # --- making and ending -------------------------------------------------------------------------------------

    def _open(self, stack: ExitStack) -> None:
        """Everything that must be closed again, in order; what fails half-way is closed by the stack."""
        self.authority = Authority(self.forest.accounts)
        stack.callback(self.authority.close)
        self.authority.threads.submit(load_vocabulary)  # nobody waits for it, unless a script comes at once
        if self._own_clock is not None:
            stack.callback(self._own_clock.close)
        stack.callback(self._kill_all)
        self.certificates = LabAuthority()
        self._build()
        self._loop = asyncio.new_event_loop()
        thread = threading.Thread(target=self._loop.run_forever, name="lab-loop", daemon=True)
        thread.start()
        stack.callback(self._end_loop, thread)
        stack.callback(lambda: self.call(self._stop()))
        self.call(self._start())

    def _build(self) -> None:
        pace = self.pace
        limits = HopLimits(stage_seconds=pace.proxy_seconds, hangs_on_ssl=pace.hop_hangs)
        secrets = self.authority.secrets
        shared = Shared(self.authority, self.certificates, secrets, limits, self._quotas, pace.warm_up_seconds)
        for name, is_proxy in self._kinds.items():
            machine = self._proxy(name) if is_proxy else self._server(name)
            self.nodes[name] = Node(machine, shared)
            if not is_proxy:
                self.phones[name] = self.forest.add_user(f"phone-{name.lower()}", _password(), mailbox_server=name)

    def _server(self, name: str) -> Machine:
        wanted = {order.fault.name for order in self.orders if order.server == name}
        machine = exchange_2003(
            name,
            self.forest,
            front_end="front-end" in wanted,
            clustered="clustered-ds2mb" in wanted,
            service_pack=1 if "old-service-pack" in wanted else 2,
            address=_address(len(self.nodes)),
            seed=self.seed,
        )
        machine.iisreset.seconds = self.pace.restart_seconds
        return machine

    def _proxy(self, name: str) -> Machine:
        version = (2010, 2007)[int(name.removeprefix(PROXY)) % 2]
        return client_access(name, self.forest, version, address=_address(len(self.nodes)), seed=self.seed)

    async def _start(self) -> None:
        for node in self.nodes.values():
            await node.start()

    async def _settle(self) -> None:
        for node in self.nodes.values():
            await node.settle()

    async def _stop(self) -> None:
        await asyncio.gather(*(node.stop() for node in self.nodes.values()))

    def _kill_all(self) -> None:
        for node in self.nodes.values():
            node.machine.processes.clear()

    def _end_loop(self, thread: threading.Thread) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        thread.join()
        self._loop.close()


def mix(servers: int) -> list[str]:
    """The faults of a fleet for which none was named."""
    return [f"{name}@EX{number + 1:02}" for number in range(servers) for name in MIX[number % len(MIX)]]


def _kinds(servers: int, proxies: int) -> dict[str, bool]:
    """Every machine's name, and whether it is a proxy."""
    names = {f"{SERVER}{number:02}": False for number in range(1, servers + 1)}
    return names | {f"{PROXY}{number:02}": True for number in range(1, proxies + 1)}


def _orders(kinds: dict[str, bool], faults: Iterable[str]) -> list[Order]:
    orders = [parse(text) for text in faults]
    for order in orders:
        check_fit(order, kinds)
    return sorted(orders, key=_turn)


def _forget(node: Node) -> None:
    """What was done just now has always been so: nothing is on its way, and no outage has begun."""
    machine = node.machine
    machine.ds2mb.settle()
    machine.counters.begin([each.name for each in machine.services.list() if each.is_running])


def _turn(order: Order) -> tuple[bool, int]:
    """By the table, but for those that come when the others are made."""
    return order.fault.name in _LAST, list(FAULTS).index(order.fault.name)


def _address(number: int) -> str:
    """An address for logs and address restrictions, of the range for tests (RFC 2544); nothing is ever sent there."""
    return f"198.18.{number // 250}.{number % 250 + 1}"


def _password() -> str:
    """Fresh for each fleet, whatever the seed: a practice fleet listens on a real machine."""
    alphabet = "ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-_:!"
    return "".join(entropy.choice(alphabet) for _ in range(24))
