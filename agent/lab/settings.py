"""Owns what each fault of the settings really does: the same changes an administrator would have made."""

from __future__ import annotations

from contextlib import suppress

from agent.lab.pristine import MAS_SYNC
from agent.lab.web import dav
from agent.lab.world.default_disk import sync_web_config
from agent.lab.world.machine import Machine
from agent.lab.world.schema import IpSecurity

FLAGS, AUTH = "AccessSSLFlags", "AuthFlags"
SSL, SSL128, NEGOTIATE_CERT, REQUIRE_CERT = 8, 256, 32, 64  # domain 2.1
BASIC, INTEGRATED = 2, 4  # domain 2.8
EAS_NAME = "Microsoft-Server-ActiveSync"
SERVICE, FIRST, SECOND = "W3SVC", "W3SVC/1", "W3SVC/2"
ELSEWHERE = "192.0.2.1, 255.255.255.255"  # an address of documentation (RFC 5737): nobody of the lab


class Misfit(ValueError):  # noqa: N818 - what the machine is; the text becomes a FaultError
    """The machine is not one that this can happen to; the text says why."""


def set_flags(machine: Machine, path: str, flags: int) -> None:
    """Write the SSL flags on one key, and save."""
    machine.metabase.set(path, FLAGS, flags)
    machine.metabase.save()


def directory_dn(machine: Machine, directory: str = EAS_NAME) -> str:
    """The directory's twin in Active Directory. domain 3.5"""
    return machine.forest.directory_dn(machine.name, directory)


def eas(machine: Machine) -> str:
    """The ActiveSync directory, on whatever site it is. domain 2.4"""
    for name in machine.metabase.children(SERVICE):
        path = f"{SERVICE}/{name}/ROOT/{EAS_NAME}"
        if name.isdigit() and machine.metabase.exists(path):
            return path
    raise Misfit(f"{machine.name} has no directory {EAS_NAME}")


def root(machine: Machine) -> str:
    """The root of the site that has it."""
    return eas(machine).rpartition("/")[0]


def require_ssl(machine: Machine) -> None:
    """Tick "Require secure channel (SSL)"; bits that are set already stay."""
    set_flags(machine, eas(machine), _current(machine) | SSL)


def require_ssl_128(machine: Machine) -> None:
    """Tick "Require 128-bit encryption" too."""
    set_flags(machine, eas(machine), _current(machine) | SSL | SSL128)


def inherited_ssl(machine: Machine) -> None:
    """The site requires SSL, as for OWA; ActiveSync reads mailboxes through an exempt directory (KB817379)."""
    metabase, top = machine.metabase, root(machine)
    exempt_directory(machine)
    metabase.set(top.rpartition("/")[0], FLAGS, SSL)
    for path in (eas(machine), f"{top}/Exchange"):
        if FLAGS in metabase.own(path):
            metabase.delete_value(path, FLAGS)
    metabase.save()


def exempt_directory(machine: Machine) -> None:
    """What KB817379 tells an administrator to make: /exchange-oma without SSL, named in ExchangeVDir. domain 4.1"""
    metabase, top = machine.metabase, root(machine)
    exempt = f"{top}/exchange-oma"
    if not metabase.exists(exempt):
        metabase.create(exempt, "IIsWebVirtualDir")
        for name, value in metabase.own(f"{top}/Exchange").items():
            metabase.set(exempt, name, value)
    metabase.set(exempt, FLAGS, 0)
    metabase.set(exempt, AUTH, BASIC | INTEGRATED)
    machine.registry.create(MAS_SYNC)
    machine.registry.set(MAS_SYNC, "ExchangeVDir", "/exchange-oma")


def child_override(machine: Machine) -> None:
    """The directory and a key below it each hold the flag."""
    require_ssl(machine)
    child = f"{eas(machine)}/Devices"
    if not machine.metabase.exists(child):
        machine.metabase.create(child, "IIsWebDirectory")
    set_flags(machine, child, SSL)


def second_site(machine: Machine) -> None:
    """ActiveSync and the mailboxes move to a site of their own on port 80; the first site goes to port 8080."""
    metabase = machine.metabase
    if not eas(machine).startswith(f"{SECOND}/"):
        metabase.create(SECOND, "IIsWebServer")
        for name, value in metabase.own(FIRST).items():
            metabase.set(SECOND, name, value)
        metabase.set(SECOND, "ServerComment", "Mobile access")
        _copy(machine, f"{FIRST}/ROOT", f"{SECOND}/ROOT")
        metabase.set(FIRST, "ServerBindings", (":8080:",))
        metabase.set(FIRST, "SecureBindings", ())
        metabase.delete(f"{FIRST}/ROOT/{EAS_NAME}")
        machine.iis.start_site("2")
    require_ssl(machine)
    machine.changed()


def client_certificates(machine: Machine) -> None:
    """SSL, and a certificate of the client."""
    set_flags(machine, eas(machine), SSL | NEGOTIATE_CERT | REQUIRE_CERT)


def basic_only(machine: Machine) -> None:
    """Only Basic, in Active Directory too, where authentication settings belong. domain 3.2"""
    _set_in_directory(machine, "msExchAuthenticationFlags", BASIC)
    machine.metabase.set(eas(machine), AUTH, BASIC)
    machine.metabase.save()


def address_refused(machine: Machine) -> None:
    """Somebody limited the directory to an address that is not the proxy's. domain 2.9, 8.1"""
    rules = IpSecurity(grant_by_default=False, granted=(ELSEWHERE,))
    machine.metabase.set(eas(machine), "IPSecurity", rules)
    machine.metabase.save()


def exchange_vdir_ssl(machine: Machine) -> None:
    """SSL on /Exchange, without the cure of KB817379. domain 4.1"""
    set_flags(machine, f"{root(machine)}/Exchange", SSL)


def forms_auth(machine: Machine) -> None:
    """Forms-based authentication on the virtual server. domain 4.1"""
    dav.turn_forms_on(machine.metabase, int(root(machine).split("/")[1]))
    machine.metabase.save()


def clustered(machine: Machine) -> None:
    """The flag of a clustered virtual server belongs to Active Directory. domain 3.3"""
    _set_in_directory(machine, "msExchAccessSSLFlags", SSL)
    require_ssl(machine)


def ds2mb_revert(machine: Machine, after: float) -> None:
    """Active Directory says SSL, and says so again `after` seconds later. domain 3.4"""
    _set_in_directory(machine, "msExchAccessSSLFlags", SSL)
    machine.ds2mb.revert_after = after
    require_ssl(machine)


def no_eas_vdir(machine: Machine) -> None:
    """The directory is gone, and stays gone."""
    with suppress(Misfit):
        machine.metabase.delete(eas(machine))
        machine.metabase.save()


def custom_403_redirect(machine: Machine) -> None:
    """An error page that sends browsers to https. domain 2.9"""
    entries = tuple(text for text in _texts(machine, eas(machine), "HttpErrors") if not text.startswith("403,4,"))
    target = f"https://{machine.fqdn}/{EAS_NAME}"
    machine.metabase.set(eas(machine), "HttpErrors", (*entries, f"403,4,URL,{target}"))
    require_ssl(machine)


def iisreset_disabled(machine: Machine) -> None:
    """`iisreset /disable` was run. domain 5.3"""
    require_ssl(machine)
    machine.iisreset.disable()


def iisreset_loses_change(machine: Machine) -> None:
    """Every reset kills IISADMIN before it has saved. domain 2.6"""
    require_ssl(machine)
    machine.iisreset.loses_change = True


def left_stopped(machine: Machine, name: str) -> None:
    """iisreset does not bring the service back. KB907857, domain 5.2"""
    require_ssl(machine)
    machine.iisreset.leaves_stopped.add(machine.services.get(name).name)


def stuck(machine: Machine, name: str) -> None:
    """The service never gets from StopPending to Stopped."""
    require_ssl(machine)
    machine.services.get(name).stuck = True


def down(machine: Machine, name: str) -> None:
    """The service is stopped now, with what depends on it."""
    services = machine.services
    names = [*(each.name for each in services.dependents(name)), services.get(name).name]
    services.end_all(names, clean=True)


def disk_full(machine: Machine) -> None:
    """Not a byte is left: neither a backup nor the metabase can be written."""
    require_ssl(machine)
    machine.files.free_bytes = 0


def block_legacy(machine: Machine) -> None:
    """BlockLegacyMailboxes in the proxy's web.config. domain 1.6"""
    path = sync_web_config(machine.role)
    named = b'key="BlockLegacyMailboxes" value='
    machine.files.write(path, machine.files.read(path).replace(named + b'"false"', named + b'"true"'))


def _current(machine: Machine) -> int:
    value = machine.metabase.get(eas(machine), FLAGS)
    return value if isinstance(value, int) else 0


def _texts(machine: Machine, path: str, name: str) -> tuple[str, ...]:
    value = machine.metabase.get(path, name)
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, tuple | list) else ()


def _set_in_directory(machine: Machine, attribute: str, value: int) -> None:
    dn = directory_dn(machine)
    if machine.directory.exists(dn):
        machine.directory.set(dn, attribute, value)


def _copy(machine: Machine, source: str, target: str) -> None:
    """A key with all that is below it."""
    metabase = machine.metabase
    metabase.create(target, metabase.kind(source))
    for name, value in metabase.own(source).items():
        metabase.set(target, name, value)
    for child in metabase.children(source):
        _copy(machine, f"{source}/{child}", f"{target}/{child}")
