"""detect.ps1 tells what is so, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from scripted import CHILD, EAS, EXCHANGE, FLAGS, Server

from agent.lab import settings
from agent.lab.web import dav

SECOND = "W3SVC/2/ROOT/Microsoft-Server-ActiveSync"


def test_the_server_is_described(server: Server) -> None:
    [found] = server.of_kind("server", "detect")

    assert {name: found[name] for name in ("Computer", "Fqdn", "OsVersion", "OsServicePack", "PowerShell")} == {
        "Computer": "EX01",
        "Fqdn": "ex01.lab.example",
        "OsVersion": "5.2.3790",
        "OsServicePack": 2,
        "PowerShell": "2.0",
    }
    assert (found["ExchangeBuild"], found["ExchangeServicePack"]) == (7638, 2)
    assert (found["FrontEnd"], found["Clustered"], found["IisResetDisabled"]) == (False, False, False)
    assert found["Administrator"] is True
    assert found["FreeMegabytes"] == server.machine.files.free_bytes // 1024**2
    assert (found["Culture"], found["ExchangeVDir"]) == ("en-US", "")


@pytest.mark.parametrize(("pack", "build"), [(0, 6944), (1, 7226), (2, 7638)])
def test_the_service_pack_follows_from_the_build(make_server: Callable[..., Server], pack: int, build: int) -> None:
    [found] = make_server(service_pack=pack).of_kind("server", "detect")

    assert (found["ExchangeServicePack"], found["ExchangeBuild"]) == (pack, build)


def test_a_front_end_is_known_without_asking_active_directory(make_server: Callable[..., Server]) -> None:
    [found] = make_server(front_end=True).of_kind("server", "detect")

    assert found["FrontEnd"] is True


def test_a_server_that_does_not_tell_is_not_taken_for_a_back_end(server: Server) -> None:
    for name in ("Exchange", "Public", "Exadmin"):
        server.machine.metabase.delete(f"W3SVC/1/ROOT/{name}")
    [found] = server.of_kind("server", "detect")

    assert found["FrontEnd"] is None


def test_a_clustered_server_is_known(make_server: Callable[..., Server]) -> None:
    [found] = make_server(clustered=True).of_kind("server", "detect")

    assert found["Clustered"] is True


def test_a_disabled_iisreset_is_known(server: Server) -> None:
    server.machine.iisreset.disable()
    [found] = server.of_kind("server", "detect")

    assert found["IisResetDisabled"] is True
    assert found["IisResetStatus"] != ""


def test_an_explicit_flag_is_told_from_an_inherited_one(server: Server) -> None:
    found = {each["Role"]: each for each in server.of_kind("directory", "detect")}

    assert (found["eas"]["Flags"], found["eas"]["Explicit"], found["eas"]["InheritedFrom"]) == (264, True, "")
    assert (found["exchange"]["Flags"], found["exchange"]["Explicit"]) == (0, False)


@pytest.mark.parametrize("holder", ["W3SVC", "W3SVC/1", "W3SVC/1/ROOT"])
def test_an_inherited_flag_is_told_with_the_key_that_holds_it(server: Server, holder: str) -> None:
    server.machine.metabase.delete_value(EAS, FLAGS)
    server.set(holder, 8)
    found = {each["Path"]: each for each in server.of_kind("directory", "detect")}

    assert (found[EAS]["Flags"], found[EAS]["Explicit"], found[EAS]["InheritedFrom"]) == (8, False, holder)
    assert found[EXCHANGE]["InheritedFrom"] == holder


def test_a_child_with_flags_of_its_own_is_told(server: Server) -> None:
    settings.child_override(server.machine)
    children = server.of_kind("child", "detect")

    assert [(each["Path"], each["Parent"], each["Flags"]) for each in children] == [(CHILD, EAS, 8)]


def test_every_web_site_is_looked_at(server: Server) -> None:
    settings.second_site(server.machine)
    found = {each["Path"]: each for each in server.of_kind("directory", "detect") if each["Role"] == "eas"}

    assert set(found) == {SECOND}
    assert (found[SECOND]["Site"], found[SECOND]["SiteComment"], found[SECOND]["Bindings"]) == (
        2,
        "Mobile access",
        ":80:",
    )


def test_a_server_without_the_directory_has_none(server: Server) -> None:
    settings.no_eas_vdir(server.machine)

    assert [each for each in server.of_kind("directory", "detect") if each["Role"] == "eas"] == []


def test_authentication_is_told(server: Server) -> None:
    settings.basic_only(server.machine)
    found = {each["Role"]: each for each in server.of_kind("directory", "detect")}

    assert (found["eas"]["AuthFlags"], found["eas"]["AuthExplicit"]) == (2, True)
    assert found["eas"]["Providers"] == "Negotiate,NTLM"
    assert found["eas"]["AppPool"] == "ExchangeApplicationPool"


def test_the_directory_that_activesync_reads_mailboxes_through_is_told(server: Server) -> None:
    settings.exempt_directory(server.machine)
    answers = server.run("detect")
    [facts] = [each for each in answers if each["Kind"] == "server"]

    assert facts["ExchangeVDir"] == "/exchange-oma"
    assert [each["Path"] for each in answers if each.get("Role") == "exchange-vdir"] == ["W3SVC/1/ROOT/exchange-oma"]


def test_forms_based_authentication_shows(server: Server) -> None:
    before = {each["FormsBased"] for each in server.of_kind("directory", "detect")}
    dav.turn_forms_on(server.machine.metabase, 1)
    after = {each["FormsBased"] for each in server.of_kind("directory", "detect")}

    assert (before, after) == ({False}, {True})


def test_a_redirecting_error_page_shows(server: Server) -> None:
    settings.custom_403_redirect(server.machine)
    found = {each["Role"]: each for each in server.of_kind("directory", "detect")}

    assert found["eas"]["SslErrorPage"].startswith("403,4,URL,https://")


def test_services_are_told_that_a_restart_touches(server: Server) -> None:
    found = {each["Name"]: each for each in server.of_kind("service", "detect")}

    assert {"IISADMIN", "SMTPSVC", "RESvc", "POP3Svc", "IMAP4Svc", "W3SVC"} <= set(found)
    assert found["SMTPSVC"]["SharesInetinfo"] and found["SMTPSVC"]["DependsOnIisAdmin"]
    assert not found["W3SVC"]["SharesInetinfo"] and found["W3SVC"]["DependsOnIisAdmin"]
    for name, each in found.items():
        truth = server.machine.services.get(name)
        assert (each["State"], each["DisplayName"]) == (str(truth.state), truth.display)


def test_active_directory_out_of_reach_is_an_answer(server: Server) -> None:
    [found] = server.of_kind("active-directory", "detect")

    assert found["Readable"] is False
    assert "operations error" in found["Message"]
    assert (found["SslFlags"], found["AuthFlags"]) == (None, None)


def test_active_directory_is_read_where_it_can_be(server: Server) -> None:
    server.machine.directory_readable = True
    dn = server.forest.directory_dn("EX01", "Microsoft-Server-ActiveSync")
    server.forest.directory.set(dn, "msExchAccessSSLFlags", 8)
    [found] = server.of_kind("active-directory", "detect")

    assert (found["Dn"], found["VirtualServer"], found["SslFlags"], found["Readable"]) == (dn, 1, 8, True)


def test_looking_changes_nothing(server: Server) -> None:
    settings.child_override(server.machine)
    memory, disk = server.machine.metabase.memory, server.machine.metabase.disk
    server.run("detect")
    counts = server.machine.counters.all_counts()

    assert server.machine.metabase.memory is memory
    assert server.machine.metabase.disk is disk
    assert not counts.keys() & {"iisresets", "recycles", "backups"}
    assert server.markers() == []
