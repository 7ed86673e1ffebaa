"""doctor.ps1 tells each fact by itself, and changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from scripted import Server

from agent.lab import settings
from agent.lab.powershell.bindings import wsman
from agent.lab.winrm.config import winrs
from agent.lab.winrm.quotas import Quotas
from agent.lab.world.build import client_access

BACK_END = {"session", "name", "quota", "iis", "iisreset", "disk", "exchange"}


def facts(server: Server, kind: str, **parameters: Any) -> Any:
    [found] = server.of_kind(kind, "doctor", **{"Role": "back-end", **parameters})
    return found


def test_a_back_end_tells_everything_once(server: Server) -> None:
    kinds = [each["Kind"] for each in server.run("doctor", Role="back-end")]

    assert sorted(kinds) == sorted(BACK_END)


def test_a_proxy_is_not_asked_about_iis_and_exchange(make_server: Callable[..., Server]) -> None:
    near = make_server()
    proxy = Server(client_access("CAS01", near.forest), near.forest, near.clock)
    kinds = {each["Kind"] for each in proxy.run("doctor", Role="proxy")}

    assert kinds == {"session", "name", "quota"}


def test_the_session_is_described(server: Server) -> None:
    found = facts(server, "session")

    assert (found["PowerShell"], found["WinRm"], found["Windows"]) == ("2.0", "2.0", "5.2")
    assert (found["HostName"], found["Administrator"], found["Authentication"]) == ("ServerRemoteHost", True, "NTLM")
    assert found["Utc"].startswith(server.machine.clock.now().strftime("%Y-%m-%dT%H:%M"))
    assert facts(server, "name")["Fqdn"] == "ex01.lab.example"


def test_the_quotas_in_force_are_told(server: Server) -> None:
    wsman.publish(server.machine, winrs(Quotas(shells_per_user=2, processes_per_shell=7, shell_bytes=64 * 2**20)))
    found = facts(server, "quota")

    assert (found["MaxShellsPerUser"], found["MaxProcessesPerShell"]) == ("2", "7")
    assert (found["MaxMemoryPerShellMB"], found["Message"]) == ("64", "")


def test_quotas_that_cannot_be_read_hide_nothing_else(server: Server) -> None:
    """A machine without a listener: WSMan has nobody to ask."""
    found = facts(server, "quota")

    assert "cannot connect" in found["Message"]
    assert facts(server, "exchange")["Build"] == 7638


def test_the_provider_of_iis_shows_every_web_site(server: Server) -> None:
    settings.second_site(server.machine)

    assert (facts(server, "iis")["State"], facts(server, "iis")["Sites"]) == ("Running", 2)


def test_a_stopped_iisadmin_is_told_and_not_started(server: Server) -> None:
    settings.down(server.machine, "IISADMIN")
    found = facts(server, "iis")

    assert (found["State"], found["Sites"], found["Message"]) == ("Stopped", 0, "")
    assert str(server.machine.services.get("IISADMIN").state) == "Stopped"


def test_a_disabled_iisreset_is_told(server: Server) -> None:
    before = facts(server, "iisreset")["IsGood"]
    server.machine.iisreset.disable()
    after = facts(server, "iisreset")

    assert (before, after["IsGood"]) == (True, False)
    assert "disabled" in after["Said"]


@pytest.mark.parametrize("free", [0, 1048576, 5 * 1048576 + 1])
def test_the_room_for_a_backup_is_told(server: Server, free: int) -> None:
    server.machine.files.free_bytes = free
    found = facts(server, "disk")

    assert found["FreeMegabytes"] == free // 1048576
    assert 0 < found["MetabaseKilobytes"] < 10_000


@pytest.mark.parametrize(("pack", "build"), [(0, 6944), (1, 7226), (2, 7638)])
def test_the_build_of_exchange_is_told(make_server: Callable[..., Server], pack: int, build: int) -> None:
    assert facts(make_server(service_pack=pack), "exchange")["Build"] == build


def test_who_is_no_administrator_is_told_so(server: Server) -> None:
    [found] = [each for each in server.run("doctor", "LAB\\clerk", Role="proxy") if each["Kind"] == "session"]

    assert found["Administrator"] is False


def test_asking_changes_nothing(server: Server) -> None:
    memory, disk = server.machine.metabase.memory, server.machine.metabase.disk
    services = [(each.name, each.state) for each in server.machine.services.list()]
    server.run("doctor", Role="back-end")

    assert server.machine.metabase.memory is memory
    assert server.machine.metabase.disk is disk
    assert [(each.name, each.state) for each in server.machine.services.list()] == services
    assert not server.machine.counters.all_counts().keys() & {"iisresets", "recycles", "backups"}
    assert server.markers() == []
