"""The same questions to a web server that is not ours: Apache httpd on loopback, as a proxy and as a back-end.

Apache's SSLRequireSSL answers plain HTTP with 403 and without a challenge, as IIS does, but its page says nothing of
403.4: the verdict is "forbidden", of which require SSL is the usual cause. Negotiate needs mod_auth_gssapi, which CI
installs; see test_apache_kerberos.
"""

from __future__ import annotations

from httpd import BASIC, NEEDED, SCRIPTED, Start, phone
from phones import asking

from agent.causes import HOP
from agent.lab.web import folders
from agent.model import Verdict
from agent.probe.direct import direct
from agent.probe.wbxml import FIRST_FOLDER_SYNC

pytestmark = NEEDED


def test_require_ssl_refuses_the_hop_before_it_asks_who_is_there(httpd: Start) -> None:
    proof = httpd("  SSLRequireSSL\n" + BASIC).hop()

    assert (proof.status, proof.verdict, proof.cause) == (403, Verdict.BAD, "forbidden")
    assert HOP[proof.cause][0] == "ssl-required"
    assert "offers" not in proof.evidence


def test_basic_without_negotiate_is_told_as_such(httpd: Start) -> None:
    proof = httpd(BASIC).hop()

    assert (proof.status, proof.cause) == (401, "negotiate-missing")
    assert "offers Basic" in proof.evidence


def test_the_password_stays_at_home_where_only_basic_is_offered(httpd: Start) -> None:
    server = httpd(BASIC)

    assert direct(server.back_end, phone(), asking()).cause == "negotiate-missing"


def test_a_phone_comes_through_over_tls_where_ssl_is_required(httpd: Start) -> None:
    answer = folders.folder_sync(FIRST_FOLDER_SYNC)
    proof = httpd("  SSLRequireSSL\n" + BASIC + SCRIPTED, answer).through()

    assert (proof.verdict, proof.cause) == (Verdict.GOOD, "")
    assert proof.evidence == "OPTIONS 6.5.7638.1; FolderSync HTTP 200, Status 1"


def test_a_wrong_password_is_told_as_such(httpd: Start) -> None:
    assert httpd(BASIC + SCRIPTED).through(password="wrong").cause == "password-refused"


def test_a_server_that_is_no_exchange_is_no_proof(httpd: Start) -> None:
    proof = httpd(BASIC).through()

    assert (proof.verdict, proof.cause) == (Verdict.BAD, "options-without-version")


def test_html_in_place_of_wbxml_is_no_proof(httpd: Start) -> None:
    proof = httpd(BASIC + SCRIPTED, b"<html>Welcome</html>", "text/html").through()

    assert (proof.verdict, proof.cause) == (Verdict.BAD, "foldersync-no-wbxml")


def test_a_redirect_is_told_and_not_followed(httpd: Start) -> None:
    proof = httpd("  RewriteEngine on\n  RewriteRule .* https://owa.lab.example/ [R=302,L]\n").hop()

    assert (proof.status, proof.cause) == (302, "redirected")


def test_a_missing_directory_is_told_as_such(httpd: Start) -> None:
    proof = httpd("  RewriteEngine on\n  RewriteRule .* - [R=404,L]\n").hop()

    assert (proof.status, proof.cause) == (404, "directory-missing")
