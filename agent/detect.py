"""Owns the look at one server: the answers of `detect` become a Finding, or a BadAnswer that says what is missing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from agent.answers import Fields
from agent.errors import BadAnswer
from agent.model import (
    AdObject,
    AuthFlags,
    ChildKey,
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
from agent.printable import shortly
from agent.siblings import siblings
from agent.transport import ReadOnly

SITE_STARTED = 2
"""MD_SERVER_STATE_STARTED, the value of ServerState of a web site that runs (IIS 6 SDK, ServerState)."""

HINT = (
    "Looking changes nothing. Look at the server once more; if it answers so again, report it with its Windows version."
)


def look(server: Server, transport: ReadOnly, script: Script, at: datetime) -> Finding:
    """Run the read-only detection on one server. BadAnswer where the answer is incomplete or makes no sense."""
    return read(server, transport.run(script, {}), at)


def read(server: Server, records: Sequence[Record], at: datetime) -> Finding:
    """The finding that the records tell of; a record of an unknown kind is ignored by nobody: it is refused."""
    fields = [Fields(server.name, "detection", record, HINT) for record in records]
    kinds = {"server", "directory", "child", "service", "active-directory"}
    for found in fields:
        if found.kind not in kinds:
            words = f"detection answered with an unknown kind of record: {shortly(found.kind)}"
            raise BadAnswer(server.name, words, HINT)
    facts = [_facts(found) for found in fields if found.kind == "server"]
    if len(facts) != 1:
        raise BadAnswer(server.name, f"detection described {len(facts)} servers instead of one", HINT)
    children = tuple(_child(found) for found in fields if found.kind == "child")
    vdirs = tuple(_vdir(found, children) for found in fields if found.kind == "directory")
    known = {vdir.path.lower() for vdir in vdirs}
    for child in children:
        if child.parent.lower() not in known:
            raise BadAnswer(server.name, f"detection answered {child.path} as a child of a directory it left out", HINT)
    finding = Finding(
        server=server.name,
        at=at,
        facts=facts[0],
        vdirs=tuple(sorted(vdirs, key=lambda vdir: (vdir.site, vdir.path.lower()))),
        services=tuple(_service(found) for found in fields if found.kind == "service"),
        ad_objects=tuple(_ad_object(found) for found in fields if found.kind == "active-directory"),
        endpoint=f"{server.fqdn} at {server.address}:{server.winrm.port}".casefold(),
    )
    return replace(finding, siblings=siblings(finding))


def _facts(found: Fields) -> ServerFacts:
    return ServerFacts(
        computer=found.text("Computer"),
        fqdn=found.text("Fqdn"),
        os_version=found.text("OsVersion"),
        os_service_pack=found.number("OsServicePack"),
        powershell=found.text("PowerShell"),
        winrm=found.text("WinRm"),
        exchange_build=found.number("ExchangeBuild"),
        exchange_service_pack=found.number("ExchangeServicePack"),
        is_front_end=found.maybe("FrontEnd"),
        is_clustered=found.truth("Clustered"),
        is_iisreset_disabled=found.truth("IisResetDisabled"),
        exchange_vdir=found.text("ExchangeVDir"),
        is_administrator=found.truth("Administrator"),
        free_megabytes=found.number("FreeMegabytes"),
        culture=found.text("Culture"),
    )


def _child(found: Fields) -> ChildKey:
    return ChildKey(found.text("Path"), found.text("Parent"), SslFlags.of(found.number("Flags")))


def _vdir(found: Fields, children: tuple[ChildKey, ...]) -> Vdir:
    path = found.text("Path")
    return Vdir(
        path=path,
        role=VdirRole(found.one_of("Role", VdirRole, "role of a directory")),
        site=found.number("Site"),
        site_comment=found.text("SiteComment"),
        flags=SslFlags.of(found.number("Flags")),
        is_explicit=found.truth("Explicit"),
        inherited_from=found.text("InheritedFrom"),
        auth_flags=AuthFlags.of(found.number("AuthFlags")),
        auth_is_explicit=found.truth("AuthExplicit"),
        providers=found.text("Providers"),
        app_pool=found.text("AppPool"),
        redirect=found.text("Redirect"),
        is_site_running=found.number("SiteState") == SITE_STARTED,
        bindings=found.text("Bindings"),
        ssl_error_page=found.text("SslErrorPage"),
        is_forms_based=found.truth("FormsBased"),
        children=tuple(child for child in children if child.parent.lower() == path.lower()),
    )


def _service(found: Fields) -> Service:
    return Service(
        name=found.text("Name"),
        display_name=found.text("DisplayName"),
        state=found.text("State"),
        start_mode=found.text("StartMode"),
        shares_inetinfo=found.truth("SharesInetinfo"),
        depends_on_iisadmin=found.truth("DependsOnIisAdmin"),
    )


def _ad_object(found: Fields) -> AdObject:
    return AdObject(
        dn=found.text("Dn"),
        virtual_server=found.number("VirtualServer"),
        ssl_flags=found.optional("SslFlags", SslFlags.of),
        auth_flags=found.optional("AuthFlags", AuthFlags.of),
        is_readable=found.truth("Readable"),
        message=found.text("Message"),
    )
