"""Owns what each fault of the settings really does: the same changes an administrator would have made."""

from __future__ import annotations

import threading

from agent.lab.web import dav
from agent.lab.world.machine import Machine

FLAGS, AUTH = "AccessSSLFlags", "AuthFlags"
SSL, SSL128, NEGOTIATE_CERT, REQUIRE_CERT = 8, 256, 32, 64  # domain 2.1
BASIC, INTEGRATED = 2, 4  # domain 2.8
EAS_NAME = "Microsoft-Server-ActiveSync"
SITE = "W3SVC/1"
ROOT = f"{SITE}/ROOT"
EAS = f"{ROOT}/{EAS_NAME}"
EXCHANGE = f"{ROOT}/Exchange"
OMA = f"{ROOT}/exchange-oma"  # KB817379's second directory. domain 4.1
CHILD = f"{EAS}/Devices"
SECOND = "W3SVC/2"
MAS_SYNC = r"SYSTEM\CurrentControlSet\Services\MasSync\Parameters"  # domain 4.1
REBOOT_SECONDS = 5.0


def set_flags(machine: Machine, path: str, flags: int) -> None:
    """Write the SSL flags on one key, and save."""
    machine.metabase.set(path, FLAGS, flags)
    machine.metabase.save()


def directory_dn(machine: Machine, directory: str = EAS_NAME) -> str:
    """The directory's twin in Active Directory. domain 3.5"""
    return machine.forest.directory_dn(machine.name, directory)


def make_right(machine: Machine) -> None:
    """No SSL on the ActiveSync directory and none in Active Directory; iisreset works."""
    machine.ds2mb.revert_after = None
    machine.iisreset.disable(False)
    machine.iisreset.loses_change = False
    for service in machine.services.list():
        service.stuck = False
    if machine.metabase.exists(EAS):
        _set_in_directory(machine, "msExchAccessSSLFlags", 0)
        if _current(machine, EAS) & (SSL | REQUIRE_CERT | SSL128):
            set_flags(machine, EAS, 0)


def require_ssl(machine: Machine) -> None:
    """Tick "Require secure channel (SSL)"; bits that are set already stay."""
    set_flags(machine, EAS, _current(machine, EAS) | SSL)


def require_ssl_128(machine: Machine) -> None:
    """Tick "Require 128-bit encryption" too."""
    set_flags(machine, EAS, _current(machine, EAS) | SSL | SSL128)


def inherited_ssl(machine: Machine) -> None:
    """The site requires SSL, as for OWA; ActiveSync reads mailboxes through an exempt directory (KB817379)."""
    metabase = machine.metabase
    exempt_directory(machine)
    metabase.set(SITE, FLAGS, SSL)
    for path in (EAS, EXCHANGE):
        if FLAGS in metabase.own(path):
            metabase.delete_value(path, FLAGS)
    metabase.save()


def exempt_directory(machine: Machine) -> None:
    """What KB817379 tells an administrator to make: /exchange-oma without SSL, named in ExchangeVDir."""
    metabase = machine.metabase
    if not metabase.exists(OMA):
        metabase.create(OMA, "IIsWebVirtualDir")
        for name, value in metabase.own(EXCHANGE).items():
            metabase.set(OMA, name, value)
    metabase.set(OMA, FLAGS, 0)
    metabase.set(OMA, AUTH, BASIC | INTEGRATED)
    machine.registry.create(MAS_SYNC)
    machine.registry.set(MAS_SYNC, "ExchangeVDir", "/exchange-oma")


def child_override(machine: Machine) -> None:
    """The directory and a key below it each hold the flag."""
    require_ssl(machine)
    if not machine.metabase.exists(CHILD):
        machine.metabase.create(CHILD, "IIsWebDirectory")
    set_flags(machine, CHILD, SSL)


def second_site(machine: Machine) -> None:
    """ActiveSync and the mailboxes move to a site of their own on port 80; the first site goes to port 8080."""
    metabase = machine.metabase
    metabase.create(SECOND, "IIsWebServer")
    for name, value in metabase.own(SITE).items():
        metabase.set(SECOND, name, value)
    metabase.set(SECOND, "ServerComment", "Mobile access")
    _copy(machine, ROOT, f"{SECOND}/ROOT")
    metabase.set(SITE, "ServerBindings", (":8080:",))
    metabase.set(SITE, "SecureBindings", ())
    metabase.delete(EAS)
    set_flags(machine, f"{SECOND}/ROOT/{EAS_NAME}", SSL)
    machine.iis.start_site("2")
    machine.changed()


def client_certificates(machine: Machine) -> None:
    """SSL, and a certificate of the client."""
    set_flags(machine, EAS, SSL | NEGOTIATE_CERT | REQUIRE_CERT)


def basic_only(machine: Machine) -> None:
    """Only Basic, in Active Directory too, where authentication settings belong. domain 3.2"""
    _set_in_directory(machine, "msExchAuthenticationFlags", BASIC)
    machine.metabase.set(EAS, AUTH, BASIC)
    machine.metabase.save()


def exchange_vdir_ssl(machine: Machine) -> None:
    """SSL on /Exchange, without the cure of KB817379. domain 4.1"""
    set_flags(machine, EXCHANGE, SSL)


def forms_auth(machine: Machine) -> None:
    """Forms-based authentication on the default virtual server. domain 4.1"""
    dav.turn_forms_on(machine.metabase, 1)
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
    """The directory is gone."""
    machine.metabase.delete(EAS)
    machine.metabase.save()


def custom_403_redirect(machine: Machine) -> None:
    """An error page that sends browsers to https. domain 2.9"""
    entries = tuple(text for text in _texts(machine, EAS, "HttpErrors") if not text.startswith("403,4,"))
    target = f"https://{machine.fqdn}/{EAS_NAME}"
    machine.metabase.set(EAS, "HttpErrors", (*entries, f"403,4,URL,{target}"))
    require_ssl(machine)


def iisreset_disabled(machine: Machine) -> None:
    """`iisreset /disable` was run. domain 5.3"""
    require_ssl(machine)
    machine.iisreset.disable()


def iisreset_loses_change(machine: Machine) -> None:
    """Every reset kills IISADMIN before it has saved. domain 2.6"""
    require_ssl(machine)
    machine.iisreset.loses_change = True


def reboot_mid_run(machine: Machine, after: float) -> None:
    """The power fails once, `after` seconds after the first change of the flag."""
    require_ssl(machine)
    fuse = threading.Event()

    def blow(_: str, name: str) -> None:
        if name == FLAGS and not fuse.is_set():
            fuse.set()
            machine.clock.call_later(after, lambda: machine.reboot(REBOOT_SECONDS, graceful=False))

    machine.metabase.watch(blow)


def _current(machine: Machine, path: str) -> int:
    value = machine.metabase.get(path, FLAGS)
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
