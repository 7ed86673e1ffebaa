"""Servers, abilities and answers for the doctor, without a network."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from agent.doctor.ability import Abilities, Tls
from agent.doctor.answers import Answers, BackEnd, Disk, Exchange, Iis, Name, Quota, Reset, Session
from agent.doctor.check import Check
from agent.doctor.judge import Visited
from agent.doctor.kerberos import Kerberos, Ticket
from agent.doctor.network import Network
from agent.model import Auth, Https, Role, Server, Winrm

NOON = datetime(2011, 3, 14, 12, 0, tzinfo=UTC)
LATER = datetime(2011, 3, 14, 22, 0, tzinfo=UTC)
MODERN = Tls("OpenSSL 3.0.19", ("AES128-SHA", "AES256-SHA"), "TLSv1.2")
TICKET = Ticket("easfix@LAB.EXAMPLE", LATER)
REALM = Kerberos(
    files=("/etc/krb5.conf",), realm="LAB.EXAMPLE", cache="FILE:/tmp/krb5cc_0", permitted=(18, 17, 23), allows_rc4=True
)
ABLE = Abilities(REALM, "", MODERN)


def server(auth: Auth = Auth.NTLM, **changes: Any) -> Server:
    """A back-end at an address, unless told otherwise."""
    made = Server("EX01", "192.0.2.1", "ex01.lab.example", winrm=Winrm(auth=auth), test_user="phone")
    return replace(made, **changes)


def proxy(**changes: Any) -> Server:
    """A Client Access server."""
    return server(name="CAS01", fqdn="cas01.lab.example", role=Role.PROXY, https=Https(), **changes)


def network(names: dict[str, tuple[str, ...]] | None = None, **broken: OSError) -> Network:
    """A network that knows these names; `broken` says what goes wrong, by "p" and the port, or "tls"."""

    def knock(host: str, port: int) -> None:
        if f"p{port}" in broken:
            raise broken[f"p{port}"]

    def shake(host: str, https: Https, name: str) -> str:
        if "tls" in broken:
            raise broken["tls"]
        return "TLSv1.2"

    return Network(lambda host: (names or {}).get(host, ()), knock, shake)


def visited(utc: datetime = NOON, **changes: Any) -> Visited:
    """A visit at noon to a server where all is well, but for the changes, each named like its record."""
    back_end = BackEnd(
        changes.get("iis", Iis("Running", 1, "")),
        changes.get("reset", Reset(True, "Status ... Running", "")),
        changes.get("disk", Disk(8191, 300, "")),
        changes.get("exchange", Exchange(7638, "")),
    )
    answers = Answers(
        changes.get("session", Session(utc, "ServerRemoteHost", "2.0", "2.0", "5.2", True, "NTLM")),
        changes.get("name", Name("EX01", "ex01.lab.example", "")),
        changes.get("quota", Quota(5, 15, 150, "")),
        back_end,
    )
    return Visited(answers, NOON, NOON)


def by_name(checks: Iterable[Check]) -> dict[str, Check]:
    """The checks by name; none may be there twice."""
    found = list(checks)
    names = [check.name for check in found]
    assert len(set(names)) == len(names), f"told twice: {names}"
    return {check.name: check for check in found}


def verdicts(checks: Iterable[Check]) -> dict[str, str]:
    """Only what is not good."""
    return {name: str(check.verdict) for name, check in by_name(checks).items() if check.verdict != "good"}
