"""KB817379: ActiveSync reads the mailbox through /Exchange, and fails where that directory is not as it needs it."""

from __future__ import annotations

import pytest
from weblab import COMMAND, FIRST_SYNC, Answer, Lab

from agent.lab.web.activesync import DIRECTORY_VALUE, PARAMETERS
from agent.lab.web.dav import turn_forms_off, turn_forms_on
from agent.lab.web.iis import IisServer
from agent.lab.world.build import exchange_2003
from agent.lab.world.default_metabase import store_directory
from agent.lab.world.schema import IpSecurity

EXCHANGE = "W3SVC/1/ROOT/Exchange"


def folder_sync(lab: Lab, server: IisServer) -> Answer:
    return lab.client(server).basic("POST", COMMAND, FIRST_SYNC)


@pytest.mark.parametrize("flags", [0x8, 0x108, 0x100])
def test_ssl_on_exchange_is_500_for_folder_sync_and_nothing_for_options(lab: Lab, flags: int) -> None:
    server = lab.iis()
    lab.ex01.metabase.set(EXCHANGE, "AccessSSLFlags", flags)

    assert lab.client(server).basic().status == 200
    assert folder_sync(lab, server).status == 500
    assert lab.events(lab.ex01) == [3029]


def test_the_log_shows_the_inner_request_that_failed(lab: Lab) -> None:
    server = lab.iis()
    lab.ex01.metabase.set(EXCHANGE, "AccessSSLFlags", 8)
    folder_sync(lab, server)
    inner, outer = lab.log(lab.ex01)[-2:]

    assert inner[3:6] == ["10.0.0.11", "PROPFIND", "/Exchange/anna/"] and inner[-3:] == ["403", "4", "5"]
    assert outer[-3:] == ["500", "0", "0"]


def test_forms_based_authentication_is_500_until_it_is_off(lab: Lab) -> None:
    server = lab.iis()
    turn_forms_on(lab.ex01.metabase, 1)
    failed = folder_sync(lab, server).status
    turn_forms_off(lab.ex01.metabase, 1)

    assert (failed, lab.events(lab.ex01), folder_sync(lab, server).status) == (500, [3030], 200)


def test_a_browser_meets_the_form_and_a_dav_client_440(lab: Lab) -> None:
    client = lab.client(lab.iis())
    turn_forms_on(lab.ex01.metabase, 1)
    page, folder = client.ask("GET", "/exchange/anna/"), client.ask("PROPFIND", "/exchange/anna/")

    assert (page.status, folder.status) == (302, 440) and "/exchweb/bin/auth/owalogon.asp" in page.one("Location")


@pytest.mark.parametrize(("name", "value"), [("AuthFlags", 2), ("NTAuthenticationProviders", "NTLM")])
def test_without_negotiate_on_exchange_it_is_500(lab: Lab, name: str, value: object) -> None:
    server = lab.iis()
    lab.ex01.metabase.set(EXCHANGE, name, value)  # type: ignore[arg-type]  # one of two kinds

    assert (folder_sync(lab, server).status, lab.events(lab.ex01)) == (500, [3031])


def test_a_missing_exchange_directory_is_500_with_the_status_in_the_event(lab: Lab) -> None:
    server = lab.iis()
    lab.ex01.metabase.delete(EXCHANGE)
    status = folder_sync(lab, server).status

    assert (status, lab.events(lab.ex01)) == (500, [3005])
    assert "[404]" in lab.ex01.logs.entries("Application")[0].message


def second_directory(lab: Lab, name: str = "exchange-oma") -> None:
    """The cure of KB817379, limited to the server's own address."""
    path = f"W3SVC/1/ROOT/{name}"
    key = store_directory(path, r"\\.\BackOfficeStorage\lab.example\MBX", "LAB")
    lab.ex01.metabase.create(path, key.kind)
    for each, value in key.values.items():
        lab.ex01.metabase.set(path, each, value)
    lab.ex01.metabase.set(path, "IPSecurity", IpSecurity(False, ("10.0.0.11, 255.255.255.255",)))


def test_the_second_directory_and_its_registry_value_are_the_cure(lab: Lab) -> None:
    server = lab.iis()
    lab.ex01.metabase.set(EXCHANGE, "AccessSSLFlags", 8)
    second_directory(lab)
    lab.ex01.registry.set(PARAMETERS, DIRECTORY_VALUE, "/exchange-oma")
    cured = folder_sync(lab, server).status
    from_outside = lab.client(server).ask("PROPFIND", "/exchange-oma/anna/").status

    assert (cured, from_outside, lab.events(lab.ex01)) == (200, 403, [])


def test_the_registry_value_is_case_sensitive(lab: Lab) -> None:
    server = lab.iis()
    second_directory(lab)
    lab.ex01.registry.set(PARAMETERS, DIRECTORY_VALUE, "/Exchange-OMA")

    assert (folder_sync(lab, server).status, lab.events(lab.ex01)) == (500, [3005])


def test_a_mailbox_can_be_read_over_dav_by_its_owner_only(lab: Lab) -> None:
    client = lab.client(lab.iis())
    own = client.basic("PROPFIND", "/exchange/anna/")
    other = client.basic("PROPFIND", "/exchange/anna/", user="otto")

    assert (own.status, other.status) == (207, 404) and b"<a:displayname>anna</a:displayname>" in own.body
    assert client.basic("OPTIONS", "/exchange/").one("DAV") == "1, 2"
    assert (client.basic("GET", "/exchange/").status, client.basic("DELETE", "/exchange/anna/x").status) == (200, 501)


@pytest.fixture
def front_end(lab: Lab) -> IisServer:
    lab.iis()
    return lab.iis(exchange_2003("FE01", lab.forest, front_end=True, address="10.0.0.31"))


def test_a_front_end_reads_the_mailbox_on_the_back_end(lab: Lab, front_end: IisServer) -> None:
    answer = folder_sync(lab, front_end)
    lines = lab.log(lab.ex01)

    assert answer.status == 200
    assert lines[-1][4:10] == ["PROPFIND", "/Exchange/anna/", "-", "80", r"LAB\anna", "10.0.0.31"]


@pytest.mark.parametrize(
    ("name", "value", "event_id"), [("AccessSSLFlags", 8, 3029), ("AuthFlags", 2, 3031), ("HttpRedirect", "/x", 3030)]
)
def test_a_front_end_fails_by_the_back_ends_exchange_only(
    lab: Lab, front_end: IisServer, name: str, value: int | str, event_id: int
) -> None:
    front_end.machine.metabase.set(EXCHANGE, "AccessSSLFlags", 8)
    own = folder_sync(lab, front_end).status
    lab.ex01.metabase.set(EXCHANGE, name, value)

    assert (own, folder_sync(lab, front_end).status, lab.events(front_end.machine)) == (200, 500, [event_id])


def test_a_front_end_whose_back_end_is_down_is_500(lab: Lab, front_end: IisServer) -> None:
    lab.ex01.set_online(False)
    assert lab.settled(lab.servers[0])

    assert (folder_sync(lab, front_end).status, lab.events(front_end.machine)) == (500, [3005])
