"""IIS 6 over real HTTP: what an unauthenticated probe, a phone and an administrator see, from the metabase alone."""

from __future__ import annotations

import http.client
import re

import pytest
import requests
from requests_ntlm import HttpNtlmAuth
from weblab import AUTHORITY, COMMAND, EAS, FIRST_SYNC, PASSWORD, PATH, Lab

from agent.lab.web.places import ANONYMOUS, BASIC, INTEGRATED
from agent.lab.web.wbxml import decode
from agent.lab.world.build import add_site, exchange_2003
from agent.lab.world.schema import IpSecurity


def test_options_without_a_logon_offers_every_scheme_in_order(lab: Lab) -> None:
    """domain 2.10: 401 with Negotiate is good."""
    answer = lab.client(lab.iis()).ask()

    assert (answer.status, answer.all("WWW-Authenticate")) == (
        401,
        ["Negotiate", "NTLM", 'Basic realm="ex01.lab.example"'],
    )
    assert (answer.one("Server"), answer.one("X-Powered-By")) == ("Microsoft-IIS/6.0", "ASP.NET")


@pytest.mark.parametrize(
    ("flags", "providers", "offers"),
    [
        (BASIC, "Negotiate,NTLM", ["Basic"]),
        (INTEGRATED, "Negotiate,NTLM", ["Negotiate", "NTLM"]),
        (INTEGRATED, "NTLM", ["NTLM"]),
        (INTEGRATED | BASIC, "NTLM,Negotiate", ["NTLM", "Negotiate", "Basic"]),
        (ANONYMOUS, "Negotiate,NTLM", []),
    ],
)
def test_the_challenges_are_what_the_metabase_says(lab: Lab, flags: int, providers: str, offers: list[str]) -> None:
    server = lab.iis()
    lab.ex01.metabase.set(PATH, "AuthFlags", flags)
    lab.ex01.metabase.set(PATH, "NTAuthenticationProviders", providers)
    answer = lab.client(server).ask()

    assert (answer.status, [each.split()[0] for each in answer.all("WWW-Authenticate")]) == (401, offers)


@pytest.mark.parametrize(
    ("flags", "substatus", "title"),
    [
        (0x8, "4", "The page must be viewed over a secure channel"),
        (0x108, "4", "The page must be viewed over a secure channel"),
        (0x100, "5", "The page must be viewed with a high security Web browser"),
        (0x40, "7", "The page requires a client certificate"),
    ],
)
def test_what_stops_plain_http_is_403_before_any_401(lab: Lab, flags: int, substatus: str, title: str) -> None:
    """domain 2.9"""
    server = lab.iis()
    lab.ex01.metabase.set(PATH, "AccessSSLFlags", flags)
    answer = lab.client(server).ask(User_Agent="probe 1")

    assert (answer.status, answer.all("WWW-Authenticate")) == (403, [])
    assert f"<TITLE>{title}</TITLE>".encode() in answer.body
    assert lab.log(lab.ex01)[-1][-4:] == ["probe+1", "403", substatus, lab.log(lab.ex01)[-1][-1]]


def test_negotiating_a_certificate_stops_nobody(lab: Lab) -> None:
    server = lab.iis()
    lab.ex01.metabase.set(PATH, "AccessSSLFlags", 0x20 | 0x80)

    assert lab.client(server).ask().status == 401


def test_a_change_of_the_flag_acts_on_the_next_request(lab: Lab) -> None:
    """domain 2.5: in memory at once, on the same connection."""
    client = lab.client(lab.iis())
    lab.ex01.metabase.set("W3SVC/1", "AccessSSLFlags", 0x108)
    inherited = client.ask().status
    lab.ex01.metabase.set(PATH, "AccessSSLFlags", 0)

    assert (inherited, client.ask().status) == (403, 401)


@pytest.mark.parametrize(
    ("culture", "codec", "words"),
    [
        ("de-DE", "cp1252", "über einen sicheren Kanal"),
        ("fr-FR", "cp1252", "via un canal sécurisé"),
        ("es-ES", "cp1252", "a través de un canal seguro"),
        ("ja-JP", "cp932", "セキュリティで保護されたチャネル"),
        ("pt-BR", "cp1252", "over a secure channel"),
    ],
)
def test_the_page_speaks_the_language_of_the_machine(lab: Lab, culture: str, codec: str, words: str) -> None:
    server = lab.iis()
    lab.ex01.os.culture = culture
    lab.ex01.metabase.set(PATH, "AccessSSLFlags", 8)

    assert words in lab.client(server).ask().body.decode(codec)


def test_an_address_that_is_not_granted_is_refused(lab: Lab) -> None:
    server = lab.iis()
    lab.ex01.metabase.set(PATH, "IPSecurity", IpSecurity(False, ("10.0.0.21, 255.255.255.255",)))
    answer = lab.client(server).ask()

    assert answer.status == 403 and lab.log(lab.ex01)[-1][-3:] == ["403", "6", "5"]


@pytest.mark.parametrize("scheme", ["Negotiate", "NTLM"])
def test_options_after_a_logon_is_what_exchange_2003_sp2_says(lab: Lab, scheme: str) -> None:
    """domain 2.11"""
    answer = lab.client(lab.iis()).log_on(scheme)

    assert (answer.status, answer.one("MS-Server-ActiveSync")) == (200, "6.5.7638.1")
    assert answer.one("MS-ASProtocolVersions") == "1.0,2.0,2.1,2.5"
    assert answer.one("MS-ASProtocolCommands").endswith(",ResolveRecipients,ValidateCert,Provision,Search,Ping")
    assert (answer.one("Public"), answer.one("Allow")) == ("OPTIONS,POST", "OPTIONS,POST")


def test_a_logon_belongs_to_its_connection(lab: Lab) -> None:
    server = lab.iis()
    client = lab.client(server)
    client.log_on()

    assert (client.ask().status, lab.client(server).ask().status) == (200, 401)


def test_requests_with_ntlm_logs_on(lab: Lab) -> None:
    """A client that is not ours."""
    address, port = lab.iis().endpoint(80)
    answer = requests.options(
        f"http://{address}:{port}{EAS}",
        auth=HttpNtlmAuth(r"LAB\anna", PASSWORD),
        headers={"Host": "ex01.lab.example"},
        timeout=20,
    )

    assert answer.headers["MS-Server-ActiveSync"] == "6.5.7638.1"


def test_requests_with_basic_logs_on(lab: Lab) -> None:
    address, port = lab.iis().endpoint(80)
    url = f"http://{address}:{port}{EAS}"
    answer = requests.options(url, auth=(r"LAB\anna", PASSWORD), headers={"Host": "ex01"}, timeout=20)

    assert answer.status_code == 200


def test_a_wrong_password_is_401_1_and_counted(lab: Lab) -> None:
    answer = lab.client(lab.iis()).log_on(password="wrong")
    counts = lab.ex01.counters

    assert (answer.status, lab.log(lab.ex01)[-1][-3:]) == (401, ["401", "1", "1326"])
    assert (counts.logon_failures, counts.logons) == (1, 0)


def test_an_expired_password_shows_in_the_log_only(lab: Lab) -> None:
    server = lab.iis()
    lab.user("anna").expired = True
    answer = lab.client(server).basic()

    assert (answer.status, lab.log(lab.ex01)[-1][-3:]) == (401, ["401", "1", "1330"])


def test_a_broken_token_gets_an_answer(lab: Lab) -> None:
    client = lab.client(lab.iis())

    assert client.ask(Authorization="Negotiate !!!").status == 400
    assert client.ask(Authorization="Negotiate AAAA").status == 401
    assert client.ask(Authorization="Basic AAAA").status == 401
    assert client.ask(Authorization="Digest x").status == 401


def test_the_log_shows_each_step_of_a_logon(lab: Lab) -> None:
    client = lab.client(lab.iis())
    client.ask(path=f"{EAS}?Cmd=x", User_Agent="easfix probe")
    client.log_on("NTLM")
    lines = lab.log(lab.ex01)

    assert [line[-3:] for line in lines] == [
        ["401", "2", "2148074254"],
        ["401", "1", "0"],
        ["200", "0", "0"],
    ]
    assert lines[0][2:11] == ["W3SVC1", "10.0.0.11", "OPTIONS", EAS, "Cmd=x", "80", "-", "127.0.0.1", "easfix+probe"]
    assert lines[2][8] == r"LAB\anna"


def test_the_log_has_the_name_and_the_head_that_iis_6_gives_it(lab: Lab) -> None:
    lab.client(lab.iis()).ask()
    text = lab.ex01.files.read(r"C:\WINDOWS\system32\LogFiles\W3SVC1\ex110314.log").decode()

    assert text.startswith("#Software: Microsoft Internet Information Services 6.0\r\n#Version: 1.0\r\n#Date: 2011")
    assert "cs(User-Agent) sc-status sc-substatus sc-win32-status\r\n" in text


def test_a_full_disk_loses_the_line_and_not_the_answer(lab: Lab) -> None:
    server = lab.iis()
    lab.ex01.files.free_bytes = 0

    assert lab.client(server).ask().status == 401 and lab.log(lab.ex01) == []


def test_a_missing_directory_is_404(lab: Lab) -> None:
    server = lab.iis()
    lab.ex01.metabase.delete(PATH)

    assert lab.client(server).ask().status == 404


def test_a_directory_that_redirects_is_302(lab: Lab) -> None:
    server = lab.iis()
    lab.ex01.metabase.set(PATH, "HttpRedirect", "https://mail.example/, EXACT_DESTINATION,")
    answer = lab.client(server).ask()

    assert (answer.status, answer.one("Location")) == (302, "https://mail.example/")


@pytest.mark.parametrize(
    ("error", "page", "status", "location"),
    [
        ("403,4,URL,https://mail.example/x", "", 302, "https://mail.example/x"),
        ("403,4,URL,/go.asp", '<% Response.Redirect("https://mail.example/y") %>', 302, "https://mail.example/y"),
        ("403,4,URL,/go.htm", '<META HTTP-EQUIV="Refresh" CONTENT="0;url=https://mail.example/">', 200, ""),
        ("403,4,URL,/none.htm", "", 403, ""),
        (r"403,4,FILE,c:\inetpub\wwwroot\go.htm", "<h1>ours</h1>", 403, ""),
    ],
)
def test_a_custom_page_hides_the_403(lab: Lab, error: str, page: str, status: int, location: str) -> None:
    """domain 2.9: 302 or 200; the log still says 403.4 as its sub-status."""
    server = lab.iis()
    lab.ex01.metabase.set(PATH, "AccessSSLFlags", 8)
    lab.ex01.metabase.set(PATH, "HttpErrors", (error,))
    if page:
        lab.ex01.files.write(rf"c:\inetpub\wwwroot\{'go.asp' if '.asp' in error else 'go.htm'}", page.encode())
    answer = lab.client(server).ask()

    assert (answer.status, answer.one("Location"), lab.log(lab.ex01)[-1][-2]) == (status, location, "4")


def test_folder_sync_answers_with_the_folders_of_a_mailbox(lab: Lab) -> None:
    client = lab.client(lab.iis())
    answer = client.log_on(method="POST", path=COMMAND, body=FIRST_SYNC)
    tree = decode(answer.body)

    assert (answer.status, answer.one("Content-Type")) == (200, "application/vnd.ms-sync.wbxml")
    assert (tree.name, tree.value("Status"), tree.value("SyncKey")) == ("FolderSync", "1", "1")
    assert tree.value("Changes", "Count") == "10" and tree.value("Changes", "Add", "DisplayName") == "Inbox"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        (EAS, FIRST_SYNC, 400),
        (COMMAND, b"", 400),
        (COMMAND, b"<xml/>", 400),
        (COMMAND.replace("FolderSync", "SendMail"), b"x", 501),
        (COMMAND.replace("FolderSync", "Nonsense"), b"x", 501),
    ],
)
def test_what_no_phone_sends_is_told_so(lab: Lab, path: str, body: bytes, status: int) -> None:
    assert lab.client(lab.iis()).basic("POST", path, body).status == status


def test_a_browser_is_told_501(lab: Lab) -> None:
    assert lab.client(lab.iis()).basic("GET").status == 501


def test_a_user_without_a_mailbox_may_ask_and_not_sync(lab: Lab) -> None:
    client = lab.client(lab.iis())

    assert client.basic(user="nobody").status == 200
    assert client.basic("POST", COMMAND, FIRST_SYNC, user="nobody").status == 403


def test_a_mailbox_on_another_server_is_500_with_an_event(lab: Lab) -> None:
    answer = lab.client(lab.iis()).basic("POST", COMMAND, FIRST_SYNC, user="otto")

    assert (answer.status, lab.events(lab.ex01)) == (500, [3005])


def test_the_answer_for_a_wrong_host_and_none_is_http_sys_own(lab: Lab) -> None:
    server = lab.iis()
    lab.ex01.metabase.set("W3SVC/1", "ServerBindings", (":80:mail.example",))
    answer = lab.client(server, host="other.example").ask()

    assert (answer.status, answer.body, answer.one("Server")) == (400, b"<h1>Bad Request (Invalid Hostname)</h1>", "")
    assert lab.client(server, host="mail.example").ask().status == 401


def test_a_second_site_answers_on_its_own_port(lab: Lab) -> None:
    add_site(lab.ex01, 100, "Second", bindings=(":8080:",), ssl_flags=8)
    server = lab.iis()
    first, second = lab.client(server), lab.client(server, 8080)

    assert (first.ask().status, second.ask().status) == (401, 403)
    assert len(lab.log(lab.ex01, 100)) == 1 and lab.ex01.network.resolve("EX01", 8080) == server.endpoint(8080)


def test_a_site_added_while_running_is_served(lab: Lab) -> None:
    server = lab.iis()
    add_site(lab.ex01, 101, "Third", bindings=(":8081:",))

    assert lab.loop.until(lambda: 8081 in server.open_ports and server._listeners[8081]._held.listening)
    assert lab.client(server, 8081).ask().status == 401


def test_https_is_served_where_there_is_an_authority(lab: Lab) -> None:
    server = lab.iis(authority=AUTHORITY)
    lab.ex01.metabase.set(PATH, "AccessSSLFlags", 0x108)

    assert (lab.client(server).ask().status, lab.client(server, 443).ask().status) == (403, 401)


def test_a_server_of_service_pack_1_says_so(lab: Lab) -> None:
    old = exchange_2003("EX03", lab.forest, service_pack=1)
    answer = lab.client(lab.iis(old)).basic(user="nobody")

    assert re.fullmatch(r"6\.5\.7226\.1", answer.one("MS-Server-ActiveSync"))
    assert "Provision" not in answer.one("MS-ASProtocolCommands")


def test_the_root_of_the_site_is_a_page(lab: Lab) -> None:
    client = lab.client(lab.iis())

    assert (client.ask("GET", "/").status, client.ask("GET", "/nothing").status) == (200, 404)


def test_names_resolve_to_the_servers_real_port(lab: Lab) -> None:
    server = lab.iis()
    names = [lab.ex01.network.resolve(name, 80) for name in ("ex01.lab.example", "EX01")]
    lab.loop.run(server.stop())

    assert names[0] == names[1] is not None and lab.ex01.network.resolve("EX01", 80) is None


def test_many_requests_are_counted(lab: Lab) -> None:
    client = lab.client(lab.iis())
    for _ in range(5):
        client.ask()

    assert lab.ex01.counters.requests_served == 5


def test_the_odd_request_does_no_harm(lab: Lab) -> None:
    address, port = lab.iis().endpoint(80)
    connection = http.client.HTTPConnection(address, port, timeout=20)
    connection.putrequest("OPTIONS", "*", skip_host=True)
    connection.endheaders()
    answer = connection.getresponse()

    assert answer.status == 400
    connection.close()
