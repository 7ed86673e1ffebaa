"""Owns the one list of faults the lab knows by name: a sentence for each, and what it really does to a machine."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.lab import settings
from agent.lab.world.errors import WorldError

if TYPE_CHECKING:
    from agent.lab.node import Node

Apply = Callable[["Node", str], None]


class FaultError(ValueError):
    """A fault was named that the lab does not know, or with an argument that it cannot take."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault by name. `sentence` is for people; `argument` names what may follow "=", empty where nothing may."""

    name: str
    sentence: str
    apply: Apply
    argument: str = ""
    default: str = ""
    at_start_only: bool = False  # a server is built with it, or not at all


@dataclass(frozen=True, slots=True)
class Order:
    """A fault as asked for: NAME[=ARG]@SERVER."""

    fault: Fault
    argument: str
    server: str


def parse(text: str) -> Order:
    """An order from its text; FaultError says what is wrong and what was perhaps meant."""
    found = re.fullmatch(r"(?P<name>[a-z0-9-]+)(=(?P<argument>[^@]*))?@(?P<server>[A-Za-z0-9-]+)", text.strip())
    if found is None:
        raise FaultError(f"{text!r} is not of the form NAME[=ARG]@SERVER, such as require-ssl@EX01")
    fault = FAULTS.get(found["name"])
    if fault is None:
        near = difflib.get_close_matches(found["name"], FAULTS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(FAULTS)}"
        raise FaultError(f"there is no fault {found['name']}; {hint}")
    if found["argument"] is not None and not fault.argument:
        raise FaultError(f"{fault.name} takes no argument")
    return Order(fault, found["argument"] or fault.default, found["server"].upper())


def inject(node: Node, order: Order) -> None:
    """Do it to the machine; FaultError where its argument makes no sense or the machine cannot have it."""
    try:
        order.fault.apply(node, order.argument)
    except WorldError as error:
        raise FaultError(f"{order.fault.name}@{order.server}: {error}") from error


def seconds(text: str) -> float:
    """A number of seconds, zero or more."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:
        raise FaultError(f"{text!r} is not a number of seconds")
    return value


def _wire(name: str) -> Apply:
    return lambda node, _: node.wire.set(**{name: True})


def _slow(node: Node, argument: str) -> None:
    node.wire.set(slow_seconds=seconds(argument))
    node.web_faults.slow_seconds = seconds(argument)


def _unreachable(node: Node, _: str) -> None:
    node.machine.set_online(False)


def _healthy(node: Node, _: str) -> None:
    node.wire.set(**dict.fromkeys(("unreachable", "reset_mid_answer", "auth_denied", "not_admin"), False))
    node.wire.set(psrp_disabled=False, garbage_answer=False, oversized_answer=False, slow_seconds=0.0)
    node.web_faults.clear()
    node.machine.set_online(True)
    settings.make_right(node.machine)


def _setting(function: Callable[..., None]) -> Apply:
    return lambda node, _: function(node.machine)


def _timed(function: Callable[..., None]) -> Apply:
    return lambda node, argument: function(node.machine, seconds(argument))


def _stuck(node: Node, argument: str) -> None:
    settings.require_ssl(node.machine)
    node.machine.services.get(argument).stuck = True


_TABLE = (
    Fault("healthy", "Everything is as it should be; undoes the wire faults and clears the flag.", _healthy),
    Fault("require-ssl", "The ActiveSync directory requires SSL: the fault easfix exists for.",
          _setting(settings.require_ssl)),
    Fault("require-ssl-128", "The directory requires SSL and 128-bit encryption.", _setting(settings.require_ssl_128)),
    Fault("inherited-ssl", "The whole web site requires SSL, the directory inherits it; /exchange-oma is exempt.",
          _setting(settings.inherited_ssl)),
    Fault("child-override", "The directory requires SSL, and a key below it holds the same flags of its own.",
          _setting(settings.child_override)),
    Fault("second-site", "ActiveSync lives on a second web site, which requires SSL; the first has none.",
          _setting(settings.second_site)),
    Fault("client-certificates", "The directory requires SSL and a client certificate.",
          _setting(settings.client_certificates)),
    Fault("basic-only", "Integrated Windows authentication is off: the proxy cannot log on. SSL is not required.",
          _setting(settings.basic_only)),
    Fault("exchange-vdir-ssl", "/Exchange requires SSL, so FolderSync fails although OPTIONS works.",
          _setting(settings.exchange_vdir_ssl)),
    Fault("forms-auth", "Forms-based authentication is on, so FolderSync fails although OPTIONS works.",
          _setting(settings.forms_auth)),
    Fault("front-end", "The server is an Exchange 2003 front-end, where SSL is right.", _setting(settings.require_ssl),
          at_start_only=True),
    Fault("clustered-ds2mb", "A clustered virtual server: DS2MB writes the flag back at a reboot or failover.",
          _setting(settings.clustered), at_start_only=True),
    Fault("ds2mb-revert", "Active Directory requires SSL and DS2MB writes the flag back after so many seconds.",
          _timed(settings.ds2mb_revert), "SECONDS", "20"),
    Fault("no-eas-vdir", "No web site has a Microsoft-Server-ActiveSync directory.", _setting(settings.no_eas_vdir)),
    Fault("custom-403-redirect", "The directory requires SSL, and its error page redirects to https instead of 403.",
          _setting(settings.custom_403_redirect)),
    Fault("stuck-service", "SSL is required, and a service never finishes stopping.", _stuck, "SERVICE", "SMTPSVC"),
    Fault("iisreset-disabled", "SSL is required, and iisreset is disabled on the server.",
          _setting(settings.iisreset_disabled)),
    Fault("iisreset-loses-change", "SSL is required, and iisreset kills IISADMIN before it saves.",
          _setting(settings.iisreset_loses_change)),
    Fault("slow", "Every answer takes so many seconds.", _slow, "SECONDS", "3"),
    Fault("unreachable", "Nothing answers: every port refuses.", _unreachable),
    Fault("reset-mid-answer", "WinRM cuts the connection in the middle of a script's answer.",
          _wire("reset_mid_answer")),
    Fault("auth-denied", "Every logon over WinRM is refused, with the right password too.", _wire("auth_denied")),
    Fault("not-admin", "The account may log on but is no administrator.", _wire("not_admin")),
    Fault("psrp-disabled", "PowerShell remoting is not enabled: only the cmd shell works.", _wire("psrp_disabled")),
    Fault("reboot-mid-run", "SSL is required, and the power fails so many seconds after the flag is changed.",
          _timed(settings.reboot_mid_run), "SECONDS", "1"),
    Fault("garbage-answer", "WinRM answers with something that is not SOAP.", _wire("garbage_answer")),
    Fault("oversized-answer", "WinRM answers with far more than any envelope holds.", _wire("oversized_answer")),
)  # fmt: skip

FAULTS = {fault.name: fault for fault in _TABLE}
"""Every fault by name, in the order of the table."""
