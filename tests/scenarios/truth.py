"""What really is so between a proxy and a back-end, by the lab's own account of both: the judge of the decoder."""

from __future__ import annotations

from collections.abc import Iterator

from agent.lab.node import Node
from agent.lab.truth import Account, DirectoryTruth, account

BROKEN = ("http-reset", "http-garbage", "http-endless", "http-drip=30", "http-header-bomb", "http-bad-wbxml")
SSL, CERTIFICATE, SSL_128, INTEGRATED = 8, 64, 256, 4


def truth(node: Node, proxy: Node) -> tuple[frozenset[str], frozenset[str]]:
    """What is really so between the two, and what nobody can see of it."""
    found, faults = account(node), {text.partition("@")[0].partition("=")[0] for text in node.injected}
    at_proxy = {"block-legacy"} if "block-legacy@" in " ".join(proxy.injected) else set()
    if not found.online:
        return frozenset({"server-down", *at_proxy}), frozenset()
    causes = {name for each in found.directories for name in _of_directory(each)} | _of_mailbox(node, found)
    if not any(each.path.endswith("ActiveSync") for each in found.directories):
        causes.add("directory-missing")
    if not node.machine.services.get("W3SVC").is_running:
        causes.add("service-stopped")
    if "http-filtered" in faults:
        causes.add("port-filtered")
    if node.machine.exchange is not None and node.machine.exchange.service_pack < 2:
        causes.add("service-pack-too-old")
    is_broken = bool(faults & {name.partition("=")[0] for name in BROKEN})
    if is_broken and not causes and not at_proxy:
        causes.add("answer-broken")
    hidden = {"answer-broken"} if is_broken else set()
    if "directory-missing" in causes and (node.machine.metabase.get("W3SVC/1/ROOT", "AccessSSLFlags") or 0):
        hidden.add("ssl-required")  # of the site: the request for the missing directory ends there
    return frozenset(causes | at_proxy), frozenset(hidden)


def _of_directory(found: DirectoryTruth) -> Iterator[str]:
    if not found.path.endswith("ActiveSync"):
        return
    flags = found.flags_memory or 0
    if flags & SSL:
        yield "ssl-required"
    if flags & SSL_128:
        yield "ssl-128-required"
    if flags & CERTIFICATE:
        yield "certificate-required"
    if not (found.auth_flags or 0) & INTEGRATED:
        yield "integrated-missing"
    if found.admits is not None:
        yield "address-refused"


def _of_mailbox(node: Node, found: Account) -> set[str]:
    key = r"SYSTEM\CurrentControlSet\Services\MasSync\Parameters"
    named = str(node.machine.registry.get(key, "ExchangeVDir") or "/Exchange").strip("/").lower()
    causes = set()
    for each in found.directories:
        site, name = each.path.split("/")[1], each.path.rpartition("/")[2].lower()
        if name != named:
            continue
        if (each.flags_memory or 0) & (SSL | SSL_128 | CERTIFICATE):
            causes.add("exchange-needs-ssl")
        filters = f"W3SVC/{site}/Filters"
        metabase = node.machine.metabase
        if (
            name == "exchange"
            and metabase.exists(filters)
            and any("OWA" in each for each in metabase.children(filters))
        ):
            causes.add("exchange-forms")
    return causes
