"""Owns what speaks against a change on a server, which setting overrides it, and what to do instead."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agent.model import Finding, Guard, Obstacle, Server, Vdir

DEFAULT_SITE = 1
"""DS2MB leaves SSL settings alone on the default virtual server only (domain 3.3); its web site is number 1."""

MANAGED_SITES = 100
"""Further virtual servers are CN=100, 101 ... in Active Directory, their web sites numbered alike (domain 3.3)."""

SERVICE_PACK = 2
"""All Exchange 2003 servers must be at this service pack to be proxied to (domain 2.11)."""


def obstacles(server: Server, finding: Finding) -> tuple[Obstacle, ...]:
    """Every guard that speaks against a change, those that the operator has overridden marked so."""
    return tuple(
        Obstacle(found.guard, found.reason, found.instead, is_overridden=found.guard in server.allowed)
        for look in LOOKS
        for found in look(finding)
    )


def _front_end(finding: Finding) -> Iterator[Obstacle]:
    if finding.facts.is_front_end is None:
        yield Obstacle(
            Guard.FRONT_END,
            "Exchange did not say whether this is a front-end, and on a front-end SSL is right",
            "Look in Exchange System Manager; is the Exchange Management service (MSExchangeMGMT) running?",
        )
    elif finding.facts.is_front_end:
        yield Obstacle(
            Guard.FRONT_END,
            "this is an Exchange front-end: devices reach it, and SSL there is right",
            "Take it out of `servers`: the proxy talks to back-ends only.",
        )


def _certificates(finding: Finding) -> Iterator[Obstacle]:
    for vdir in finding.eas:
        for path, flags in vdir.words:
            if flags.uses_certificates:
                yield Obstacle(
                    Guard.CLIENT_CERTIFICATES,
                    f"{path} uses client certificates (AccessSSLFlags {flags.meaning})",
                    "Find out who logs on with certificates before this protection is taken away.",
                )


def _directory_managed(finding: Finding) -> Iterator[Obstacle]:
    cluster = "the server is a clustered Exchange virtual server"
    other = "the directory belongs to an Exchange virtual server other than the default one"
    managed = {found.virtual_server for found in finding.ad_objects if found.virtual_server >= MANAGED_SITES}
    for vdir in finding.eas:
        is_managed = vdir.site in managed or vdir.site >= MANAGED_SITES
        if finding.facts.is_clustered or (is_managed and vdir.site != DEFAULT_SITE):
            yield Obstacle(
                Guard.DIRECTORY_MANAGED,
                f"{cluster if finding.facts.is_clustered else other} ({vdir.path}): "
                "DS2MB would write the flag back at the next reboot or failover",
                f"Clear the same bits in msExchAccessSSLFlags of {_twin(finding, vdir)} in Active Directory instead.",
            )


def _old_service_pack(finding: Finding) -> Iterator[Obstacle]:
    facts = finding.facts
    if facts.exchange_service_pack < SERVICE_PACK:
        yield Obstacle(
            Guard.OLD_SERVICE_PACK,
            f"Exchange 2003 is at service pack {facts.exchange_service_pack} (build {facts.exchange_build})",
            "Install Exchange 2003 Service Pack 2 first: a Client Access server does not proxy to less.",
        )


LOOKS: tuple[Callable[[Finding], Iterator[Obstacle]], ...] = (
    _front_end,
    _certificates,
    _directory_managed,
    _old_service_pack,
)
"""Domain 2.2, 2.11, 3.3, 8.2: one function a guard."""


def _twin(finding: Finding, vdir: Vdir) -> str:
    """The DN of the directory's object in Active Directory, as far as it is known (domain 3.5)."""
    for found in finding.ad_objects:
        if found.virtual_server == vdir.site and found.dn:
            return found.dn
    name = finding.facts.computer
    return f"CN=Microsoft-Server-ActiveSync,CN={vdir.site},CN=HTTP,CN=Protocols,CN={name},CN=Servers,..."
