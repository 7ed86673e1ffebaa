"""Nouns that the tests of looking and deciding share: one server that is well, and what may be different about it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from agent.model import (
    AdObject,
    AuthFlags,
    ChildKey,
    Effect,
    Finding,
    Record,
    Script,
    Server,
    ServerFacts,
    Service,
    SslFlags,
    Vdir,
    VdirRole,
)

AT = datetime(2026, 5, 6, 7, 0, tzinfo=UTC)
EAS = "W3SVC/1/ROOT/Microsoft-Server-ActiveSync"
EXCHANGE = "W3SVC/1/ROOT/Exchange"
SERVER = Server("EX01", "127.0.0.1", "ex01.lab.example", proxies=("CAS01",))
SCRIPTS = {
    name: Script(
        name, f"# {name}", Effect.READ if name in ("detect", "readback", "hop") else Effect.WRITE, "0" * 64, 60
    )
    for name in ("detect", "readback", "hop", "backup", "clear", "restart", "recycle")
}

FACTS = ServerFacts(
    computer="EX01",
    fqdn="ex01.lab.example",
    os_version="5.2.3790",
    os_service_pack=2,
    powershell="2.0",
    winrm="2.0",
    exchange_build=7638,
    exchange_service_pack=2,
    is_front_end=False,
    is_clustered=False,
    is_iisreset_disabled=False,
    exchange_vdir="",
    is_administrator=True,
    free_megabytes=4000,
    culture="en-US",
)


def vdir(flags: int = 0, path: str = EAS, **different: Any) -> Vdir:
    """A directory that is well, but for what is said to be different."""
    well = Vdir(
        path=path,
        role=VdirRole.EAS,
        site=int(path.split("/")[1]),
        site_comment="Default Web Site",
        flags=SslFlags(flags),
        is_explicit=True,
        inherited_from="",
        auth_flags=AuthFlags.NTLM,
        auth_is_explicit=True,
        providers="Negotiate,NTLM",
        app_pool="ExchangeApplicationPool",
        redirect="",
        bindings=":80:",
    )
    return replace(well, **different)


def child(flags: int, name: str = "Devices", parent: str = EAS) -> ChildKey:
    return ChildKey(f"{parent}/{name}", parent, SslFlags(flags))


def service(name: str, state: str = "Running", **different: Any) -> Service:
    known: dict[str, Any] = {"start_mode": "Auto", "shares_inetinfo": True, "depends_on_iisadmin": True}
    return Service(name, name.title(), state, **{**known, **different})


def ad_object(virtual_server: int = 1, **different: Any) -> AdObject:
    dn = f"CN=Microsoft-Server-ActiveSync,CN={virtual_server},CN=HTTP,CN=Protocols,CN=EX01"
    return replace(AdObject(dn, virtual_server, SslFlags(0), AuthFlags(6), is_readable=True), **different)


SERVICES = (
    service("IISADMIN", depends_on_iisadmin=False),
    service("W3SVC", shares_inetinfo=False),
    service("SMTPSVC"),
    service("POP3Svc", "Stopped"),
    service("HTTPFilter", depends_on_iisadmin=False, shares_inetinfo=False),
)


def finding(*vdirs: Vdir, **different: Any) -> Finding:
    """What a look at EX01 saw; facts are told apart from the rest by their name."""
    facts = {name: value for name, value in different.items() if hasattr(FACTS, name)}
    rest = {name: value for name, value in different.items() if name not in facts}
    known = Finding("EX01", AT, replace(FACTS, **facts), vdirs or (vdir(),), SERVICES)
    return replace(known, **rest)


def record_of(kind: str, **properties: Any) -> Record:
    """One record of `detect` as it comes over the wire."""
    return {"Kind": kind, **WELL[kind], **properties}


WELL: dict[str, dict[str, Any]] = {
    "server": {
        "Computer": "EX01",
        "Fqdn": "ex01.lab.example",
        "OsVersion": "5.2.3790",
        "OsServicePack": 2,
        "PowerShell": "2.0",
        "WinRm": "2.0",
        "ExchangeBuild": 7638,
        "ExchangeServicePack": 2,
        "FrontEnd": False,
        "Clustered": False,
        "IisResetDisabled": False,
        "ExchangeVDir": None,
        "Administrator": True,
        "FreeMegabytes": 4000,
        "Culture": "en-US",
    },
    "directory": {
        "Path": EAS,
        "Role": "eas",
        "Site": 1,
        "SiteComment": "Default Web Site",
        "SiteState": 2,
        "Bindings": ":80:",
        "Flags": 264,
        "Explicit": True,
        "InheritedFrom": "",
        "AuthFlags": 6,
        "AuthExplicit": True,
        "Providers": "Negotiate,NTLM",
        "AppPool": "ExchangeApplicationPool",
        "Redirect": None,
        "FormsBased": False,
        "SslErrorPage": "",
    },
    "child": {"Path": f"{EAS}/Devices", "Parent": EAS, "Flags": 8},
    "service": {
        "Name": "SMTPSVC",
        "DisplayName": "Simple Mail Transfer Protocol (SMTP)",
        "State": "Running",
        "StartMode": "Auto",
        "SharesInetinfo": True,
        "DependsOnIisAdmin": True,
    },
    "active-directory": {
        "Dn": "CN=Microsoft-Server-ActiveSync,CN=1",
        "VirtualServer": 1,
        "SslFlags": None,
        "AuthFlags": None,
        "Readable": False,
        "Message": "An operations error occurred.",
    },
}
