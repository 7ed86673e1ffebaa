"""Owns the way back of one fault: those that leave no setting behind can be lifted alone, and nothing else changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from agent.lab.faults import FaultError, Order

if TYPE_CHECKING:
    from agent.lab.node import Node

Lift = Callable[["Node"], None]


def lift(node: Node, order: Order) -> None:
    """Take one fault away; FaultError where it is not in force, or stands in the settings of the machine."""
    name = order.fault.name
    in_force = [each for each in node.injected if _name(each) == name]
    if not in_force:
        there = f"in force there: {', '.join(node.injected)}" if node.injected else "nothing was injected there"
        raise FaultError(f"{name} is not in force on {order.server}; {there}")
    if name not in LIFTS:
        raise FaultError(
            f"{name} stands in the settings of {order.server}: healthy@{order.server} puts the whole machine right"
        )
    LIFTS[name](node)
    node.injected[:] = [each for each in node.injected if each not in in_force]


def _name(order: str) -> str:
    return order.partition("@")[0].partition("=")[0]


def _wire(name: str) -> Lift:
    return lambda node: node.wire.set(**{name: False})


def _http(name: str) -> Lift:
    return lambda node: setattr(node.web_faults, name, False)


def _slow(node: Node) -> None:
    node.wire.set(slow_seconds=0.0)
    node.web_faults.slow_seconds = 0.0


def _drip(node: Node) -> None:
    node.web_faults.slow_drip = 0.0


def _online(node: Node) -> None:
    node.machine.set_online(True)


def _filtered(node: Node) -> None:
    node.unfilter()
    node.web_faults.silent = False


def _enabled(node: Node) -> None:
    node.machine.iisreset.disable(False)


def _saves(node: Node) -> None:
    node.machine.iisreset.loses_change = False


def _starts_all(node: Node) -> None:
    node.machine.iisreset.leaves_stopped.clear()


def _room(node: Node) -> None:
    node.free_disk()


def _disarm(node: Node) -> None:
    node.fuse.disarm()


LIFTS: Mapping[str, Lift] = {
    "iisreset-disabled": _enabled,
    "iisreset-loses-change": _saves,
    "left-stopped": _starts_all,
    "disk-full": _room,
    "reboot-mid-run": _disarm,
    "slow": _slow,
    "unreachable": _online,
    "reset-mid-answer": _wire("reset_mid_answer"),
    "auth-denied": _wire("auth_denied"),
    "not-admin": _wire("not_admin"),
    "psrp-disabled": _wire("psrp_disabled"),
    "garbage-answer": _wire("garbage_answer"),
    "oversized-answer": _wire("oversized_answer"),
    "http-filtered": _filtered,
    "http-reset": _http("reset_mid_answer"),
    "http-garbage": _http("garbage_answer"),
    "http-endless": _http("endless_body"),
    "http-drip": _drip,
    "http-header-bomb": _http("header_bomb"),
    "http-bad-wbxml": _http("broken_wbxml"),
}
"""How each is taken away. A flag that came with the fault stays, as it would on a real server."""
