"""The Client Access server: what a phone gets, what really crosses the hop, and which events tell of it."""

from __future__ import annotations

import threading

import pytest
import requests
from weblab import AUTHORITY, COMMAND, EAS, FIRST_SYNC, PASSWORD, PATH, Answer, Client, Lab

from agent.lab.logon import Secrets
from agent.lab.web.cas import CasServer, CasSettings
from agent.lab.web.hop import HopLimits
from agent.lab.web.wbxml import decode
from agent.lab.world.accounts import Accounts
from agent.lab.world.build import client_access
from agent.lab.world.default_disk import sync_web_config
from agent.lab.world.eventlog import EntryType
from agent.lab.world.schema import IpSecurity
from agent.lab.world.system import Role

EXCHANGE = "W3SVC/1/ROOT/Exchange"
PROMPT = CasSettings(HopLimits(hangs_on_ssl=False))


def by_the_clock(lab: Lab, client: Client, step: float = 5.0) -> tuple[Answer, float]:
    """The answer to OPTIONS as anna, and how many of the clock's seconds it took."""
    start = lab.clock.monotonic()
    answers: list[Answer] = []
    thread = threading.Thread(target=lambda: answers.append(client.basic()), daemon=True)
    thread.start()
    thread.join(0.2)
    for _ in range(2000):
        if not thread.is_alive():
            break
        lab.clock.advance(step)
        thread.join(0.01)
    return answers[0], lab.clock.monotonic() - start


def test_a_phone_is_asked_for_basic_and_nothing_else(lab: Lab) -> None:
    answer = lab.phone(lab.cas()).ask()

    assert (answer.status, answer.all("WWW-Authenticate")) == (401, ['Basic realm="cas01.lab.example"'])
    assert answer.one("Server") == "Microsoft-IIS/7.5"


def test_requests_verifies_the_certificate_and_syncs(lab: Lab, tmp_path: object) -> None:
    """A client that is not ours, from OPTIONS to FolderSync."""
    lab.iis()
    port = lab.cas().endpoint(443)[1]
    with requests.Session() as session:
        session.trust_env = False
        session.verify = str(AUTHORITY.write(tmp_path / "ca.pem"))  # type: ignore[operator]  # a Path
        session.auth = (r"LAB\anna", PASSWORD)
        options = session.options(f"https://127.0.0.1:{port}{EAS}", timeout=20)
        answer = session.post(f"https://127.0.0.1:{port}{COMMAND}", data=FIRST_SYNC, timeout=20)

    assert options.headers["MS-Server-ActiveSync"] == "6.5.7638.1"
    assert (answer.status_code, decode(answer.content).value("Status")) == (200, "1")


def test_the_hop_is_plain_http_by_negotiate_as_the_user(lab: Lab) -> None:
    lab.iis()
    lab.phone(lab.cas()).basic("POST", COMMAND, FIRST_SYNC)
    lines = [line for line in lab.log(lab.ex01) if line[4] == "POST"]

    assert [line[-3] for line in lines] == ["401", "401", "200"]
    assert lines[-1][5:10] == [EAS, COMMAND.partition("?")[2], "80", r"LAB\anna", "10.0.0.21"]


def test_only_the_documented_headers_come_back(lab: Lab) -> None:
    """domain 1.7"""
    lab.iis()
    answer = lab.phone(lab.cas()).basic()

    assert {name.lower() for name, _ in answer.headers} == {
        "allow",
        "content-length",
        "date",
        "ms-asprotocolcommands",
        "ms-asprotocolversions",
        "ms-server-activesync",
        "public",
        "server",
        "x-powered-by",
    }
    assert answer.one("Server") == "Microsoft-IIS/7.5"


def test_each_user_reaches_the_server_of_the_mailbox(lab: Lab) -> None:
    lab.iis()
    lab.iis(lab.ex02)
    lab.phone(lab.cas()).basic("POST", COMMAND, FIRST_SYNC, user="otto")

    assert lab.log(lab.ex01) == [] and lab.log(lab.ex02)[-1][-3] == "200"


@pytest.mark.parametrize("method", ["GET", "PUT", "PROPFIND"])
def test_nothing_but_post_and_options_is_proxied(lab: Lab, method: str) -> None:
    lab.iis()
    answer = lab.phone(lab.cas()).basic(method)

    assert answer.status == 501 and lab.log(lab.ex01) == []


def test_ssl_on_the_back_end_hangs_the_hop_and_writes_1034(lab: Lab) -> None:
    """domain 1.3, 1.4"""
    lab.iis()
    cas = lab.cas()
    lab.ex01.metabase.set(PATH, "AccessSSLFlags", 8)
    answer, seconds = by_the_clock(lab, lab.phone(cas))
    event = lab.cas01.logs.entries("Application")[-1]

    assert answer.status == 503 and 120 <= seconds <= 130
    assert (event.event_id, event.source, event.entry_type, event.category, event.strings) == (
        1034,
        "MSExchange ActiveSync",
        EntryType.WARNING,
        "Configuration",
        ("ex01.lab.example",),
    )


def test_ssl_on_the_back_end_is_a_prompt_403_by_the_switch(lab: Lab) -> None:
    lab.iis()
    cas = lab.cas(settings=PROMPT)
    lab.ex01.metabase.set(PATH, "AccessSSLFlags", 8)

    assert (lab.phone(cas).basic().status, lab.events(lab.cas01)) == (403, [])


def test_a_1034_is_written_once_a_host_in_900_seconds(lab: Lab) -> None:
    """domain 1.5"""
    lab.iis()
    cas = lab.cas(settings=CasSettings(HopLimits(stage_seconds=10)))
    lab.ex01.metabase.set(PATH, "AccessSSLFlags", 8)
    first = by_the_clock(lab, lab.phone(cas))[0].status
    lab.clock.advance(800)
    second = by_the_clock(lab, lab.phone(cas))[0].status
    quiet = lab.events(lab.cas01)
    lab.clock.advance(100)
    by_the_clock(lab, lab.phone(cas))

    assert (first, second, quiet, lab.events(lab.cas01)) == (503, 503, [1034], [1034, 1034])


def test_clearing_the_flag_heals_the_hop_without_any_restart(lab: Lab) -> None:
    lab.iis()
    cas = lab.cas(settings=PROMPT)
    lab.ex01.metabase.set(PATH, "AccessSSLFlags", 8)
    before = lab.phone(cas).basic().status
    lab.ex01.metabase.set(PATH, "AccessSSLFlags", 0)

    assert (before, lab.phone(cas).basic().status) == (403, 200)


@pytest.mark.parametrize(("name", "value"), [("AuthFlags", 2), ("NTAuthenticationProviders", "NTLM")])
def test_without_negotiate_on_offer_it_is_1036(lab: Lab, name: str, value: object) -> None:
    """domain 1.6, KB937031"""
    lab.iis()
    lab.ex01.metabase.set(PATH, name, value)  # type: ignore[arg-type]  # one of two kinds
    answer = lab.phone(lab.cas()).basic()

    assert (answer.status, lab.events(lab.cas01)) == (500, [1036])


def test_a_user_the_back_end_refuses_is_1036(lab: Lab) -> None:
    """The back-end's domain controller does not know the new password yet."""
    behind = Accounts()
    behind.add("anna", "the old one", mailbox_server="EX01")
    old = Secrets(behind)
    lab.iis(secrets=old)
    answer = lab.phone(lab.cas()).basic()
    old.close()

    assert (answer.status, lab.events(lab.cas01), lab.ex01.counters.logon_failures) == (500, [1036], 1)


def test_a_redirect_to_exchange_is_1037_and_never_followed(lab: Lab) -> None:
    lab.iis()
    lab.ex01.metabase.set(PATH, "HttpRedirect", "http://ex02.lab.example/exchange/anna")

    assert (lab.phone(lab.cas()).basic().status, lab.events(lab.cas01)) == (403, [1037])


def test_another_redirect_is_relayed_without_its_place(lab: Lab) -> None:
    lab.iis()
    lab.ex01.metabase.set(PATH, "HttpRedirect", "https://mail.example/")
    answer = lab.phone(lab.cas()).basic()

    assert (answer.status, answer.one("Location"), lab.events(lab.cas01)) == (302, "", [])


def test_block_legacy_mailboxes_in_web_config_is_1030(lab: Lab) -> None:
    lab.iis()
    cas = lab.cas()
    path = sync_web_config(Role.CAS2010)
    config = lab.cas01.files.read(path)
    lab.cas01.files.write(path, config.replace(b'value="false"', b'value="true"'))
    blocked = lab.phone(cas).basic().status
    lab.cas01.files.write(path, config)

    assert (blocked, lab.events(lab.cas01), lab.phone(cas).basic().status) == (403, [1030], 200)


def test_a_mailbox_server_older_than_6_5_is_1028(lab: Lab) -> None:
    lab.iis()
    lab.forest.directory.set(lab.forest.server_dn("EX01"), "serialNumber", "Version 6.0 (Build 6249.4: Service Pack 3)")

    assert (lab.phone(lab.cas()).basic().status, lab.events(lab.cas01)) == (403, [1028])


def test_an_https_target_that_is_not_trusted_is_1035(lab: Lab) -> None:
    lab.iis(authority=AUTHORITY)
    cas = lab.cas(settings=CasSettings(https_targets=frozenset({"ex01.lab.example"})))
    refused = lab.phone(cas).basic().status
    cas.settings.trust = AUTHORITY.client_context()

    assert (refused, lab.events(lab.cas01), lab.phone(cas).basic().status) == (500, [1035], 200)


def test_a_stopped_back_end_is_503_without_an_event(lab: Lab) -> None:
    server = lab.iis()
    lab.ex01.set_online(False)
    assert lab.settled(server)

    assert (lab.phone(lab.cas()).basic().status, lab.events(lab.cas01)) == (503, [])


def test_a_name_nobody_knows_is_503_without_an_event(lab: Lab) -> None:
    lab.iis()
    lab.forest.directory.set(lab.forest.server_dn("EX01"), "networkAddress", "ncacn_ip_tcp:gone.lab.example")

    assert (lab.phone(lab.cas()).basic().status, lab.events(lab.cas01)) == (503, [])


def test_a_filtered_port_times_out_with_1034(lab: Lab) -> None:
    lab.iis()
    lab.forest.network.block("ex01.lab.example", 80)
    answer, seconds = by_the_clock(lab, lab.phone(lab.cas()))

    assert (answer.status, lab.events(lab.cas01)) == (503, [1034]) and 120 <= seconds <= 130


def test_a_back_end_that_says_nothing_times_out_with_1034(lab: Lab) -> None:
    lab.iis().faults.silent = True
    answer, seconds = by_the_clock(lab, lab.phone(lab.cas()))

    assert (answer.status, lab.events(lab.cas01)) == (503, [1034]) and 120 <= seconds <= 130


@pytest.mark.parametrize("fault", ["garbage_answer", "endless_body", "header_bomb", "reset_mid_answer"])
def test_a_hostile_back_end_is_a_prompt_500(lab: Lab, fault: str) -> None:
    setattr(lab.iis().faults, fault, True)

    assert lab.phone(lab.cas()).basic().status == 500


def test_a_back_end_limited_to_the_cas_lets_it_through(lab: Lab) -> None:
    """domain 8.1: the counter-measure."""
    server = lab.iis()
    lab.ex01.metabase.set(PATH, "IPSecurity", IpSecurity(False, ("10.0.0.21, 255.255.255.255",)))

    assert (lab.phone(lab.cas()).basic().status, lab.client(server).ask().status) == (200, 403)


def test_exchange_with_ssl_passes_options_and_fails_folder_sync(lab: Lab) -> None:
    """domain 1.8 and 4.1: why OPTIONS alone proves nothing."""
    lab.iis()
    lab.ex01.metabase.set(EXCHANGE, "AccessSSLFlags", 8)
    client = lab.phone(lab.cas())

    assert (client.basic().status, client.basic("POST", COMMAND, FIRST_SYNC).status) == (200, 500)


@pytest.mark.parametrize(("version", "says"), [(2007, "8.3"), (2010, "14.3")])
def test_a_mailbox_that_has_moved_is_served_by_the_cas_itself(lab: Lab, version: int, says: str) -> None:
    """domain 1.8: 8.x or 14.x is the CAS's own voice."""
    lab.cas01 = client_access("CAS02", lab.forest, version)
    lab.user("anna").mailbox_server = "CAS02"
    client = lab.phone(lab.cas())
    options, answer = client.basic(), client.basic("POST", COMMAND, FIRST_SYNC)

    assert (options.one("MS-Server-ActiveSync"), answer.status) == (says, 200)
    assert decode(answer.body).value("Changes", "Count") == "10"


def test_a_user_without_a_mailbox_is_403(lab: Lab) -> None:
    assert lab.phone(lab.cas()).basic(user="nobody").status == 403


def test_plain_http_on_the_cas_says_403(lab: Lab) -> None:
    answer = lab.client(lab.cas()).basic()

    assert answer.status == 403 and b"403 - Forbidden: Access is denied." in answer.body


def test_the_cas_logs_as_iis_7_does(lab: Lab) -> None:
    lab.phone(lab.cas()).ask(User_Agent="phone")
    text = lab.cas01.files.read(r"C:\inetpub\logs\LogFiles\W3SVC1\u_ex110314.log").decode()

    assert "Internet Information Services 7.5" in text and "phone 401" in text


def test_one_slow_hop_does_not_hold_up_another(lab: Lab) -> None:
    lab.iis()
    lab.iis(lab.ex02)
    cas = lab.cas()
    lab.ex01.metabase.set(PATH, "AccessSSLFlags", 8)
    stuck = lab.phone(cas)
    thread = threading.Thread(target=stuck.basic, daemon=True)
    thread.start()
    status = lab.phone(cas).basic(user="otto").status
    while thread.is_alive():
        lab.clock.advance(60)
        thread.join(0.02)

    assert status == 200


def test_the_hop_leaves_no_trace_of_its_connections(lab: Lab) -> None:
    lab.iis()
    client = lab.phone(lab.cas())
    for _ in range(3):
        client.basic()

    assert lab.loop.until(lambda: lab.forest.network._origins == {})


def test_the_cas_needs_an_edition(lab: Lab) -> None:
    with pytest.raises(KeyError):
        CasServer(lab.ex01, lab.secrets, AUTHORITY)
