"""Owns what Get and Identify answer: the service's configuration, a shell's description, versions."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from agent.lab.winrm.quotas import Quotas
from agent.lab.winrm.shell import Shell

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine
from agent.lab.winrm import wsmanfault as faults

CONFIG = "http://schemas.microsoft.com/wbem/wsman/1/config"


def product_version(machine: Machine, *, authenticated: bool) -> str:
    """The ProductVersion of an IdentifyResponse. [MS-WSMV] appendix B <71>, <72>"""
    if not authenticated:
        return "OS: 0.0.0 SP: 0.0 Stack: 2.0"
    return f"OS: {machine.os.version} SP: {machine.os.service_pack}.0 Stack: 2.0"


def config(resource: str, quotas: Quotas) -> str:
    """The body for a resource below .../config; the parts a client asks for. [MS-WSMV] 4.2.1"""
    parts = {
        "": _whole(quotas),
        "/service": _element("Service", _service()),
        "/winrs": _element("Winrs", _winrs(quotas)),
    }
    try:
        body = parts[resource.removeprefix(CONFIG)]
    except KeyError:
        raise faults.unknown_resource(resource) from None
    end = body.index(">")
    return f'{body[:end]} xml:lang="en-US"{body[end:]}'


def _whole(quotas: Quotas) -> str:
    body = (
        f"<cfg:MaxEnvelopeSizekb>{quotas.envelope_bytes // 1024}</cfg:MaxEnvelopeSizekb>"
        f"<cfg:MaxTimeoutms>{int(quotas.operation_seconds * 1000)}</cfg:MaxTimeoutms>"
        "<cfg:MaxBatchItems>32000</cfg:MaxBatchItems>"
        "<cfg:MaxProviderRequests>4294967295</cfg:MaxProviderRequests>"
    )
    return _element("Config", body + _element("Service", _service()) + _element("Winrs", _winrs(quotas)))


def _service() -> str:
    auth = "".join(
        _element(name, value)
        for name, value in (
            ("Basic", "false"),
            ("Kerberos", "true"),
            ("Negotiate", "true"),
            ("Certificate", "false"),
            ("CredSSP", "false"),
            ("CbtHardeningLevel", "Relaxed"),
        )
    )
    ports = _element("HTTP", "5985") + _element("HTTPS", "5986")
    return _element("AllowUnencrypted", "false") + _element("Auth", auth) + _element("DefaultPorts", ports)


def winrs(quotas: Quotas) -> dict[str, str]:
    """The settings of shells, winrm/config/winrs."""
    values: dict[str, object] = {
        "AllowRemoteShellAccess": "true",
        "IdleTimeout": int(quotas.shell_idle_seconds * 1000),
        "MaxConcurrentUsers": 5,
        "MaxShellRunTime": 2147483647,
        "MaxProcessesPerShell": quotas.processes_per_shell,
        "MaxMemoryPerShellMB": quotas.shell_bytes // 2**20,
        "MaxShellsPerUser": quotas.shells_per_user,
    }
    return {name: str(value) for name, value in values.items()}


def _winrs(quotas: Quotas) -> str:
    return "".join(_element(name, value) for name, value in winrs(quotas).items())


def _element(name: str, body: str) -> str:
    return f"<cfg:{name}>{body}</cfg:{name}>"


def shell_document(shell: Shell) -> str:
    """rsp:Shell of a GetResponse. [MS-WSMV] 4.7.7"""
    now = shell.host.machine.clock.monotonic()
    values = (
        ("ShellId", shell.id),
        ("ResourceUri", shell.resource),
        ("Owner", shell.user.qualified),
        ("ClientIP", shell.client),
        ("IdleTimeOut", f"PT{shell.host.quotas.shell_idle_seconds:.3f}S"),
        ("InputStreams", " ".join(shell.INPUT)),
        ("OutputStreams", " ".join(shell.OUTPUT)),
        ("ShellRunTime", _span(now - shell.born)),
        ("ShellInactivity", _span(now - shell.used)),
    )
    inner = "".join(f"<rsp:{name}>{escape(value)}</rsp:{name}>" for name, value in values)
    return f"<rsp:Shell>{inner}</rsp:Shell>"


def _span(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    return f"P{days}DT{hours}H{minutes}M{rest}S"
