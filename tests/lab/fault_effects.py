"""What each fault does, as ordinary clients and the truth see it: the sentence of each name, written as a check."""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from xml.etree import ElementTree

import pytest
import requests.exceptions
from fleetlab import PATH, Visitor, eventually, listens
from pypsrp.exceptions import AuthenticationError, WinRMError, WSManFaultError

from agent.lab.pristine import MAS_SYNC
from agent.lab.truth import Account, DirectoryTruth

Effect = Callable[[Visitor], None]
CLEAR = f"$d = [ADSI]'IIS://localhost/{PATH}'; $d.Put('AccessSSLFlags', 0); $d.SetInfo()"


def truth(visitor: Visitor, name: str = "EX01") -> Account:
    return next(each for each in visitor.fleet.truth() if each.name == name)


def eas(visitor: Visitor) -> DirectoryTruth:
    return next(each for each in truth(visitor).directories if each.path.endswith("ActiveSync"))


def events(visitor: Visitor) -> list[int]:
    return [each.id for each in truth(visitor, "CAS01").events]


def is_right(visitor: Visitor) -> bool:
    """The proxy path works from end to end, WinRM too, and nothing is down."""
    found = truth(visitor)
    everything = found.online and not found.services_down and not found.faults and listens(visitor.port("EX01", 80))
    return (
        everything
        and has_no_bad_habits(visitor)
        and visitor.probe("EX01").all("WWW-Authenticate")[:1] == ["Negotiate"]
        and visitor.folder_sync("EX01").body.startswith(b"\x03\x01\x6a")
        and visitor.phone("CAS01", "EX01").all("MS-Server-ActiveSync") == [version(visitor)]
        and visitor.run("EX01", "1 + 1") == [2]
        and visitor.cmd("EX01", "hostname") == (0, "EX01\r\n")
    )


def has_no_bad_habits(visitor: Visitor) -> bool:
    """Nothing waits to go wrong at the next reset, change or save."""
    node, network = visitor.fleet["EX01"], visitor.fleet.forest.network
    machine = node.machine
    habits = [
        machine.iisreset.loses_change,
        machine.iisreset.is_disabled,
        bool(machine.iisreset.leaves_stopped),
        any(service.stuck for service in machine.services.list()),
        machine.ds2mb.revert_after is not None,
        machine.files.free_bytes == 0,
        machine.os.culture != "en-US",
        machine.registry.get(MAS_SYNC, "ExchangeVDir") is not None,
        network.is_blocked(machine.fqdn, 80),
        bool(node.wire.active()),
        node.fuse.is_armed,
    ]
    return not any(habits)


def version(visitor: Visitor) -> str:
    exchange = visitor.fleet["EX01"].machine.exchange
    return f"6.5.{exchange.build}.1"


# --- what each fault does --------------------------------------------------------------------------------------


def healthy(visitor: Visitor) -> None:
    assert is_right(visitor)
    assert eas(visitor).flags_memory == 0


def requires(flags: int, page: str, holder: str = PATH) -> Effect:
    """The flags are what they should be, and the page says so, to a probe and to the proxy."""

    def effect(visitor: Visitor) -> None:
        found = eas(visitor)
        answer = visitor.probe("EX01")

        assert (found.flags_memory, found.flags_disk) == (flags, flags)
        assert found.set_at_memory == found.set_at_disk == holder
        assert answer.status == 403 and page.encode() in answer.body
        assert not answer.all("WWW-Authenticate")
        assert visitor.phone("CAS01", "EX01").status == 403

    return effect


def inherited_ssl(visitor: Visitor) -> None:
    requires(8, "403.4", "W3SVC/1")(visitor)
    assert visitor.probe("EX01", "/exchange-oma").status == 401


def child_override(visitor: Visitor) -> None:
    requires(8, "403.4")(visitor)
    assert eas(visitor).children == {f"{PATH}/Devices": 8}


def second_site(visitor: Visitor) -> None:
    second = PATH.replace("W3SVC/1", "W3SVC/2")
    requires(8, "403.4", second)(visitor)
    assert eas(visitor).path == second
    assert eventually(lambda: listens(visitor.port("EX01", 8080)))


def client_certificates(visitor: Visitor) -> None:
    requires(8 + 32 + 64, "403.4")(visitor)
    assert b"403.7" in visitor.secure("EX01").body


def basic_only(visitor: Visitor) -> None:
    offers = visitor.probe("EX01").all("WWW-Authenticate")

    assert [each.split()[0] for each in offers] == ["Basic"]
    assert visitor.phone("CAS01", "EX01").status == 500
    assert 1036 in events(visitor)


def address_refused(visitor: Visitor) -> None:
    answer = visitor.probe("EX01")

    assert answer.status == 403 and b"403.6" in answer.body
    assert eas(visitor).admits == ["192.0.2.1, 255.255.255.255"]
    assert visitor.phone("CAS01", "EX01").status == 403


def only_options_work(visitor: Visitor) -> None:
    assert visitor.options("EX01").status == 200
    assert visitor.folder_sync("EX01").status == 500
    assert visitor.phone("CAS01", "EX01").status == 200


def front_end(visitor: Visitor) -> None:
    assert truth(visitor).role == "front-end"
    assert visitor.probe("EX01").status == 403


def old_service_pack(visitor: Visitor) -> None:
    requires(8, "403.4")(visitor)
    assert visitor.fleet["EX01"].machine.exchange.serial_number == "Version 6.5 (Build 7226.6: Service Pack 1)"


def clustered(visitor: Visitor) -> None:
    requires(8, "403.4")(visitor)
    visitor.run("EX01", CLEAR)
    assert eas(visitor).flags_memory == 0
    visitor.fleet["EX01"].machine.fail_over(0.01)

    assert eventually(lambda: eas(visitor).flags_memory == 8)


def ds2mb_revert(visitor: Visitor) -> None:
    requires(8, "403.4")(visitor)
    assert eas(visitor).flags_directory == 8
    visitor.run("EX01", CLEAR)

    assert eventually(lambda: visitor.fleet["EX01"].machine.ds2mb.writes > 0)
    assert eas(visitor).flags_memory == 8


def custom_403_redirect(visitor: Visitor) -> None:
    answer = visitor.probe("EX01")

    assert answer.status == 302
    assert answer.all("Location")[0].startswith("https://ex01.lab.example/")
    assert eas(visitor).flags_memory == 8


def localised(visitor: Visitor) -> None:
    assert "nicht gefunden" in visitor.probe("EX01", "/nothing").body.decode("cp1252")


def stuck_service(visitor: Visitor) -> None:
    requires(8, "403.4")(visitor)
    code, _ = visitor.cmd("EX01", "iisreset /noforce /timeout:1")

    assert code != 0
    assert "SMTPSVC" in truth(visitor).services_down


def left_stopped(visitor: Visitor) -> None:
    requires(8, "403.4")(visitor)
    code, _ = visitor.cmd("EX01", "iisreset /noforce")

    assert code == 0
    assert truth(visitor).services_down == ["SMTPSVC"]
    assert truth(visitor).seconds_without_mail > 0


def service_down(visitor: Visitor) -> None:
    assert not listens(visitor.port("EX01", 80))
    assert visitor.run("EX01", "(Get-Service -Name 'W3SVC').Status.ToString()") == ["Stopped"]
    assert visitor.phone("CAS01", "EX01").status == 503


def iisreset_disabled(visitor: Visitor) -> None:
    requires(8, "403.4")(visitor)
    code, words = visitor.cmd("EX01", "iisreset /noforce")

    assert code != 0 and "disabled" in words.lower()
    assert truth(visitor).iisresets == 0


def iisreset_loses_change(visitor: Visitor) -> None:
    requires(8, "403.4")(visitor)
    visitor.run("EX01", CLEAR)
    before = eas(visitor)
    visitor.cmd("EX01", "iisreset /noforce")

    assert (before.flags_memory, before.flags_disk) == (0, 8)
    assert eas(visitor).flags_memory == 8


def disk_full(visitor: Visitor) -> None:
    requires(8, "403.4")(visitor)
    words = visitor.fails("EX01", "$c = [ADSI]'IIS://localhost'; $c.psbase.Invoke('SaveData')")

    assert "disk" in words.lower()


def no_eas_vdir(visitor: Visitor) -> None:
    assert visitor.probe("EX01").status == 404
    assert not [each for each in truth(visitor).directories if each.path.endswith("ActiveSync")]


def reboot_mid_run(visitor: Visitor) -> None:
    requires(8, "403.4")(visitor)
    visitor.fleet["EX01"].fuse.seconds_down = 0.5
    visitor.run("EX01", CLEAR)

    assert eventually(lambda: truth(visitor).reboots == 1 and not truth(visitor).online)
    assert eventually(lambda: truth(visitor).online and not truth(visitor).services_down)
    assert eas(visitor).flags_memory == 8


def block_legacy(visitor: Visitor) -> None:
    assert visitor.phone("CAS01", "EX01").status == 403
    assert 1030 in events(visitor)


def slow(visitor: Visitor) -> None:
    before = time.monotonic()
    visitor.probe("EX01")
    between = time.monotonic()
    visitor.run("EX01", "1")

    assert between - before >= 0.1
    assert time.monotonic() - between >= 0.5


def unreachable(visitor: Visitor) -> None:
    ports = visitor.fleet["EX01"].ports

    assert not any(listens(port) for port in (ports.winrm, ports.http, ports.https))
    assert not truth(visitor).online


def breaks(*errors: type[BaseException]) -> Effect:
    """A script over PSRP fails with one of these errors of the client, and the web server is well."""

    def effect(visitor: Visitor) -> None:
        with pytest.raises(errors):
            visitor.run("EX01", "1")

        assert visitor.probe("EX01").status == 401

    return effect


def psrp_disabled(visitor: Visitor) -> None:
    breaks(WSManFaultError)(visitor)
    assert visitor.cmd("EX01", "hostname") == (0, "EX01\r\n")


def oversized_answer(visitor: Visitor) -> None:
    sizes: list[int] = []

    assert visitor.run("EX01", "1", sizes=sizes) == [1]
    assert max(sizes) > 16 * 1024 * 1024


def http_filtered(visitor: Visitor) -> None:
    with pytest.raises(TimeoutError):
        visitor.probe("EX01", timeout=0.3)
    with pytest.raises(TimeoutError):
        visitor.phone("CAS01", "EX01", timeout=0.3)
    assert visitor.run("EX01", "1") == [1]


def http_breaks(*errors: type[BaseException]) -> Effect:
    """The web server's answer makes no sense to a client, and WinRM is well."""

    def effect(visitor: Visitor) -> None:
        with pytest.raises(errors):
            visitor.probe("EX01")

        assert visitor.run("EX01", "1") == [1]
        assert visitor.phone("CAS01", "EX01").status == 500

    return effect


def http_endless(visitor: Visitor) -> None:
    assert len(visitor.raw("EX01", 4 * 1024 * 1024)) >= 4 * 1024 * 1024


def http_drip(visitor: Visitor) -> None:
    before = time.monotonic()

    assert visitor.raw("EX01", 10).startswith(b"HTTP/1.1")
    assert time.monotonic() - before >= 9 * 0.02


def http_bad_wbxml(visitor: Visitor) -> None:
    answer = visitor.folder_sync("EX01")

    assert visitor.options("EX01").status == 200
    assert answer.status == 200 and not answer.body.startswith(b"\x03\x01\x6a")


EFFECTS: dict[str, tuple[str, Effect]] = {
    "healthy": ("healthy@EX01", healthy),
    "require-ssl": ("require-ssl@EX01", requires(8, "403.4")),
    "require-ssl-128": ("require-ssl-128@EX01", requires(8 + 256, "403.4")),
    "inherited-ssl": ("inherited-ssl@EX01", inherited_ssl),
    "child-override": ("child-override@EX01", child_override),
    "second-site": ("second-site@EX01", second_site),
    "client-certificates": ("client-certificates@EX01", client_certificates),
    "basic-only": ("basic-only@EX01", basic_only),
    "address-refused": ("address-refused@EX01", address_refused),
    "exchange-vdir-ssl": ("exchange-vdir-ssl@EX01", only_options_work),
    "forms-auth": ("forms-auth@EX01", only_options_work),
    "front-end": ("front-end@EX01", front_end),
    "old-service-pack": ("old-service-pack@EX01", old_service_pack),
    "clustered-ds2mb": ("clustered-ds2mb@EX01", clustered),
    "ds2mb-revert": ("ds2mb-revert=0.05@EX01", ds2mb_revert),
    "custom-403-redirect": ("custom-403-redirect@EX01", custom_403_redirect),
    "localised": ("localised=de-DE@EX01", localised),
    "stuck-service": ("stuck-service=SMTPSVC@EX01", stuck_service),
    "left-stopped": ("left-stopped=smtpsvc@EX01", left_stopped),
    "service-down": ("service-down@EX01", service_down),
    "iisreset-disabled": ("iisreset-disabled@EX01", iisreset_disabled),
    "iisreset-loses-change": ("iisreset-loses-change@EX01", iisreset_loses_change),
    "disk-full": ("disk-full@EX01", disk_full),
    "no-eas-vdir": ("no-eas-vdir@EX01", no_eas_vdir),
    "reboot-mid-run": ("reboot-mid-run=0.05@EX01", reboot_mid_run),
    "block-legacy": ("block-legacy@CAS01", block_legacy),
    "slow": ("slow=0.1@EX01", slow),
    "unreachable": ("unreachable@EX01", unreachable),
    "reset-mid-answer": ("reset-mid-answer@EX01", breaks(requests.exceptions.RequestException, WinRMError)),
    "auth-denied": ("auth-denied@EX01", breaks(AuthenticationError)),
    "not-admin": ("not-admin@EX01", breaks(WSManFaultError)),
    "psrp-disabled": ("psrp-disabled@EX01", psrp_disabled),
    "garbage-answer": ("garbage-answer@EX01", breaks(WinRMError, ElementTree.ParseError, ValueError)),
    "oversized-answer": ("oversized-answer@EX01", oversized_answer),
    "http-filtered": ("http-filtered@EX01", http_filtered),
    "http-reset": ("http-reset@EX01", http_breaks(http.client.HTTPException, ConnectionError)),
    "http-garbage": ("http-garbage@EX01", http_breaks(http.client.BadStatusLine)),
    "http-endless": ("http-endless@EX01", http_endless),
    "http-drip": ("http-drip=0.02@EX01", http_drip),
    "http-header-bomb": ("http-header-bomb@EX01", http_breaks(http.client.HTTPException)),
    "http-bad-wbxml": ("http-bad-wbxml@EX01", http_bad_wbxml),
}
