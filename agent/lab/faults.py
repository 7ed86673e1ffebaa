"""Owns the one list of faults the lab knows by name: a sentence for each, and what it really does to a machine."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from agent.lab import settings
from agent.lab.web.phrases import LANGUAGES
from agent.lab.words import spans
from agent.lab.world.errors import ErrorKind, WorldError

if TYPE_CHECKING:
    from agent.lab.node import Node

Apply = Callable[["Node", str], None]


class FaultError(ValueError):
    """A fault was named that the lab does not know, or with an argument that it cannot take."""


class On(StrEnum):
    """What kind of machine can have a fault."""

    SERVER = "an Exchange 2003 server"
    PROXY = "a Client Access server"
    ANY = "any machine"


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault by name. `sentence` is for people; `argument` names what may follow "=", empty where nothing may."""

    name: str
    sentence: str
    apply: Apply
    argument: str = ""
    default: str = ""
    on: On = On.SERVER
    at_start_only: bool = False  # a server is built with it, or not at all


@dataclass(frozen=True, slots=True)
class Order:
    """A fault as asked for: NAME[=ARG]@SERVER."""

    fault: Fault
    argument: str
    server: str

    @property
    def text(self) -> str:
        """As one would type it."""
        argument = f"={self.argument}" if self.argument else ""
        return f"{self.fault.name}{argument}@{self.server}"


def parse(text: str) -> Order:
    """An order from its text; FaultError says what is wrong and what was perhaps meant."""
    found = re.fullmatch(r"(?P<name>[A-Za-z0-9-]+)(=(?P<argument>[^@]*))?@(?P<server>[A-Za-z0-9-]+)", text.strip())
    if found is None:
        raise FaultError(f"{text!r} is not of the form NAME[=ARG]@SERVER, such as require-ssl@EX01")
    fault = FAULTS.get(found["name"].lower())
    if fault is None:
        near = difflib.get_close_matches(found["name"].lower(), FAULTS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(FAULTS)}"
        raise FaultError(f"there is no fault {found['name']}; {hint}")
    argument = found["argument"]
    if argument is not None and not fault.argument:
        raise FaultError(f"{fault.name} takes no argument")
    if argument == "":
        raise FaultError(f"{fault.name}= lacks its {fault.argument}, such as {fault.name}={fault.default}")
    order = Order(fault, argument or fault.default, found["server"].upper())
    _CHECKS.get(fault.argument, str)(order.argument)
    return order


def check_fit(order: Order, known: dict[str, bool]) -> None:
    """FaultError unless there is such a machine (name: whether it is a proxy), and it can have this fault."""
    if order.server not in known:
        near = difflib.get_close_matches(order.server, known, n=1)
        hint = f"did you mean {near[0]}?" if near and len(known) > 20 else f"there are: {spans(known)}"
        raise FaultError(f"there is no server {order.server}; {hint}")
    kind = On.PROXY if known[order.server] else On.SERVER
    if order.fault.on not in (kind, On.ANY):
        raise FaultError(f"{order.fault.name} is a fault of {order.fault.on.value}; {order.server} is {kind.value}")


def inject(node: Node, order: Order) -> None:
    """Do it to the machine; FaultError where the machine cannot have it as it is now."""
    try:
        order.fault.apply(node, order.argument)
    except settings.Misfit as error:
        raise FaultError(f"{order.text}: {error}") from error
    except WorldError as error:
        if error.kind is ErrorKind.SERVICE_UNKNOWN:
            raise FaultError(f"{order.text}: {_which_service(node, order.argument)}") from error
        raise FaultError(f"{order.text}: {error}") from error


def seconds(text: str) -> float:
    """A number of seconds, zero or more."""
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1e6:
        raise FaultError(f"{text!r} is not a number of seconds")
    return value


def culture(text: str) -> str:
    """A culture such as de-DE, of a language the lab has pages in."""
    if not re.fullmatch(r"[a-z]{2}-[A-Z]{2}", text) or text[:2] not in LANGUAGES:
        raise FaultError(f"{text!r} is not a culture such as de-DE; there are pages in: {', '.join(LANGUAGES)}")
    return text


_CHECKS: dict[str, Callable[[str], object]] = {"SECONDS": seconds, "CULTURE": culture}


def _which_service(node: Node, name: str) -> str:
    names = {each.name.lower(): each.name for each in node.machine.services.list()}
    near = difflib.get_close_matches(name.lower(), names, n=1)
    hint = f"did you mean {names[near[0]]}?" if near else "such as SMTPSVC, W3SVC or POP3Svc"
    return f"there is no service {name}; {hint}"


def _wire(name: str) -> Apply:
    return lambda node, _: node.wire.set(**{name: True})


def _http(name: str) -> Apply:
    return lambda node, _: setattr(node.web_faults, name, True)


def _slow(node: Node, argument: str) -> None:
    node.wire.set(slow_seconds=seconds(argument))
    node.web_faults.slow_seconds = seconds(argument)


def _drip(node: Node, argument: str) -> None:
    node.web_faults.slow_drip = seconds(argument)


def _localised(node: Node, argument: str) -> None:
    node.machine.os.culture = culture(argument)


def _unreachable(node: Node, _: str) -> None:
    node.machine.set_online(False)


def _reboot_mid_run(node: Node, argument: str) -> None:
    settings.require_ssl(node.machine)
    node.fuse.arm(seconds(argument))


def _filtered(node: Node, _: str) -> None:
    for port in node.web.all_ports():
        for name in (node.machine.fqdn, node.machine.name):
            node.machine.network.block(name, port)
    node.web_faults.silent = True


def _healthy(node: Node, _: str) -> None:
    node.make_right()


def _setting(function: Callable[..., None]) -> Apply:
    return lambda node, _: function(node.machine)


def _timed(function: Callable[..., None]) -> Apply:
    return lambda node, argument: function(node.machine, seconds(argument))


def _service(function: Callable[..., None]) -> Apply:
    return lambda node, argument: function(node.machine, argument)


_TABLE = (
    Fault("healthy", "Everything is as it should be: undoes every other fault, and unlocks every account.", _healthy,
          on=On.ANY),
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
    Fault("address-refused", "The directory admits an address only that is not the proxy's. SSL is not required.",
          _setting(settings.address_refused)),
    Fault("exchange-vdir-ssl", "/Exchange requires SSL, so FolderSync fails although OPTIONS works.",
          _setting(settings.exchange_vdir_ssl)),
    Fault("forms-auth", "Forms-based authentication is on, so FolderSync fails although OPTIONS works.",
          _setting(settings.forms_auth)),
    Fault("front-end", "The server is an Exchange 2003 front-end, where SSL is right.", _setting(settings.require_ssl),
          at_start_only=True),
    Fault("old-service-pack", "SSL is required, and Exchange 2003 has only Service Pack 1.",
          _setting(settings.require_ssl), at_start_only=True),
    Fault("clustered-ds2mb", "A clustered virtual server: DS2MB writes the flag back at a reboot or failover.",
          _setting(settings.clustered), at_start_only=True),
    Fault("ds2mb-revert", "Active Directory requires SSL and DS2MB writes the flag back after so many seconds.",
          _timed(settings.ds2mb_revert), "SECONDS", "20"),
    Fault("custom-403-redirect", "The directory requires SSL, and its error page redirects to https instead of 403.",
          _setting(settings.custom_403_redirect)),
    Fault("localised", "Windows is of another language: the web server's pages are too.", _localised, "CULTURE",
          "de-DE"),
    Fault("stuck-service", "SSL is required, and a service never finishes stopping.", _service(settings.stuck),
          "SERVICE", "SMTPSVC"),
    Fault("left-stopped", "SSL is required, and iisreset does not bring a service back.",
          _service(settings.left_stopped), "SERVICE", "SMTPSVC"),
    Fault("service-down", "A service is stopped, with what depends on it. SSL is not required.",
          _service(settings.down), "SERVICE", "W3SVC", On.ANY),
    Fault("iisreset-disabled", "SSL is required, and iisreset is disabled on the server.",
          _setting(settings.iisreset_disabled)),
    Fault("iisreset-loses-change", "SSL is required, and iisreset kills IISADMIN before it saves.",
          _setting(settings.iisreset_loses_change)),
    Fault("disk-full", "SSL is required, and the disk is full: no backup, no save.", _setting(settings.disk_full)),
    Fault("no-eas-vdir", "No web site has a Microsoft-Server-ActiveSync directory.", _setting(settings.no_eas_vdir)),
    Fault("reboot-mid-run", "SSL is required, and the power fails so many seconds after the flag is changed.",
          _reboot_mid_run, "SECONDS", "1"),
    Fault("block-legacy", "BlockLegacyMailboxes is set on the proxy: it refuses every mailbox on Exchange 2003.",
          _setting(settings.block_legacy), on=On.PROXY),
    Fault("slow", "Every answer takes so many seconds.", _slow, "SECONDS", "3", On.ANY),
    Fault("unreachable", "Nothing answers: every port refuses.", _unreachable, on=On.ANY),
    Fault("reset-mid-answer", "WinRM cuts the connection in the middle of a script's answer.",
          _wire("reset_mid_answer"), on=On.ANY),
    Fault("auth-denied", "Every logon over WinRM is refused, with the right password too.", _wire("auth_denied"),
          on=On.ANY),
    Fault("not-admin", "The account may log on but is no administrator.", _wire("not_admin"), on=On.ANY),
    Fault("psrp-disabled", "PowerShell remoting is not enabled: only the cmd shell works.", _wire("psrp_disabled"),
          on=On.ANY),
    Fault("garbage-answer", "WinRM answers with something that is not SOAP.", _wire("garbage_answer"), on=On.ANY),
    Fault("oversized-answer", "WinRM answers with far more than any envelope holds.", _wire("oversized_answer"),
          on=On.ANY),
    Fault("http-filtered", "A firewall drops what goes to the web server: it never answers.", _filtered, on=On.ANY),
    Fault("http-reset", "The web server cuts each connection in the middle of its answer.", _http("reset_mid_answer"),
          on=On.ANY),
    Fault("http-garbage", "The web server answers with something that is not HTTP.", _http("garbage_answer"),
          on=On.ANY),
    Fault("http-endless", "The web server's answers never end.", _http("endless_body"), on=On.ANY),
    Fault("http-drip", "The web server sends one byte every so many seconds.", _drip, "SECONDS", "1", On.ANY),
    Fault("http-header-bomb", "The web server answers with megabytes of headers.", _http("header_bomb"), on=On.ANY),
    Fault("http-bad-wbxml", "The answers of ActiveSync are spoiled: OPTIONS works, FolderSync makes no sense.",
          _http("broken_wbxml"), on=On.ANY),
)  # fmt: skip

FAULTS = {fault.name: fault for fault in _TABLE}
"""Every fault by name, in the order of the table, which is the order of injection at the start."""
