"""The same questions to a web server that is not ours: Apache httpd on loopback, as a proxy and as a back-end.

Apache's SSLRequireSSL answers plain HTTP with 403 and without a challenge, as IIS does, but its page says nothing of
403.4: the verdict is "forbidden", of which require SSL is the usual cause. Negotiate needs mod_auth_gssapi, which CI
installs; where it is missing that one test skips.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from phones import asking, now

from agent.causes import HOP
from agent.lab.web import folders
from agent.lab.web.authority import LabAuthority
from agent.model import Https, Proof, Role, Server, Verdict
from agent.probe import probe
from agent.probe.direct import direct
from agent.probe.endtoend import end_to_end
from agent.probe.phone import Phone
from agent.probe.wbxml import FIRST_FOLDER_SYNC
from agent.transport.credentials import Credentials, Secret
from agent.transport.gate import Gate

HTTPD = shutil.which("apache2") or shutil.which("httpd") or "/usr/sbin/apache2"
HTPASSWD = shutil.which("htpasswd") or "/usr/bin/htpasswd"
MODULES = Path("/usr/lib/apache2/modules")
NAME = "cas01.lab.example"
USER, PASSWORD = "LAB\\anna", "Secret:1"
EAS = "/Microsoft-Server-ActiveSync"

pytestmark = [
    pytest.mark.skipif(
        not (Path(HTTPD).exists() and Path(HTPASSWD).exists() and MODULES.is_dir()) and not os.environ.get("CI"),
        reason="Apache httpd (Debian: apache2, apache2-utils) is not installed",
    ),
]

CONFIGURATION = """
ServerName {name}
ServerRoot {home}
PidFile {home}/httpd.pid
ErrorLog {home}/error.log
DefaultRuntimeDir {home}
ScriptSock {home}/cgi.sock
Mutex file:{home} default
{user}
{modules}
Listen 127.0.0.1:{http}
Listen 127.0.0.1:{https}
DocumentRoot {home}/root
<VirtualHost 127.0.0.1:{https}>
  SSLEngine on
  SSLCertificateFile {home}/server.pem
  Alias {eas} {home}/root/answer
</VirtualHost>
Alias {eas} {home}/root/answer
<Directory {home}/root>
  Require all granted
  Options +ExecCGI
</Directory>
<Location {eas}>
{rules}
</Location>
"""
BASIC = """  AuthType Basic
  AuthName sync
  AuthUserFile {home}/users
  Require valid-user
"""
SCRIPTED = """  Header always set MS-Server-ActiveSync "{version}"
"""
LOADED = (
    *("mpm_event", "authz_core", "authn_core", "authn_file", "authz_user", "auth_basic"),
    *("alias", "ssl", "headers", "rewrite", "cgid", "socache_shmcb"),
)


@dataclass
class Httpd:
    """One running server."""

    home: Path
    http: int
    https: int

    @property
    def back_end(self) -> Server:
        return Server("EX01", "127.0.0.1", NAME, http_port=self.http)

    @property
    def proxy(self) -> Server:
        return Server("CAS01", "127.0.0.1", NAME, Role.PROXY, https=Https(self.https, str(self.home / "ca.pem")))

    def hop(self) -> Proof:
        return probe(self.back_end, now, time.monotonic)

    def through(self, password: str = PASSWORD) -> Proof:
        return end_to_end(self.proxy, self.back_end, phone(password), asking())


def phone(password: str = PASSWORD) -> Phone:
    return Phone(Credentials(USER, Secret(password)), Gate())


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
        return port


Start = Callable[..., Httpd]


@pytest.fixture
def httpd() -> Iterator[Start]:
    """Start Apache with these rules for the ActiveSync directory, and this body behind them."""
    running: list[subprocess.Popen[bytes]] = []
    # Not pytest's own folder: started by root, Apache's workers are another user, who must be let in.
    home = Path(tempfile.mkdtemp(prefix="httpd-"))

    def start(rules: str, body: bytes = b"", kind: str = "application/vnd.ms-sync.wbxml", extra: str = "") -> Httpd:
        home.chmod(0o755)
        _write(home, body, kind)
        made = Httpd(home, free_port(), free_port())
        _configure(made, rules.format(home=home, version="6.5.7638.1"), extra.split())
        process = subprocess.Popen([HTTPD, "-f", str(home / "httpd.conf"), "-DFOREGROUND"], stderr=subprocess.PIPE)
        running.append(process)
        _wait(made, process)
        return made

    yield start
    for process in running:
        process.terminate()
        process.wait(30)
        if process.stderr:
            process.stderr.close()
    shutil.rmtree(home)


def _write(home: Path, body: bytes, kind: str) -> None:
    authority = LabAuthority()
    authority.write(home / "ca.pem")
    from cryptography.hazmat.primitives import serialization

    certificate = authority.issue(NAME).public_bytes(serialization.Encoding.PEM)
    (home / "server.pem").write_bytes(authority._private_pem() + certificate)
    (home / "root").mkdir()
    (home / "body").write_bytes(body)
    script = home / "root" / "answer"
    script.write_text(
        f"#!/bin/sh\nprintf 'Content-Type: {kind}\\r\\n\\r\\n'\n"
        f'if [ "$REQUEST_METHOD" = POST ]; then cat "{home}/body"; fi\n'
    )
    script.chmod(0o755)
    line = subprocess.run([HTPASSWD, "-nbB", USER, PASSWORD], capture_output=True, check=True).stdout
    (home / "users").write_bytes(line)


def _configure(made: Httpd, rules: str, extra: list[str]) -> None:
    wanted = [name for name in (*LOADED, *extra) if (MODULES / f"mod_{name}.so").exists()]
    text = CONFIGURATION.format(
        name=NAME,
        home=made.home,
        user="User www-data\nGroup www-data" if os.geteuid() == 0 else "",
        modules="\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in wanted),
        http=made.http,
        https=made.https,
        eas=EAS,
        rules=rules + "  SetHandler cgi-script\n  Options +ExecCGI\n",
    )
    (made.home / "httpd.conf").write_text(text)


def _wait(made: Httpd, process: subprocess.Popen[bytes]) -> None:
    """Until both ports accept; bounded."""
    deadline = time.monotonic() + 30
    for port in (made.http, made.https):
        while True:
            assert process.poll() is None, _said(made, process)
            assert time.monotonic() < deadline, _said(made, process)
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                process.poll()


def _said(made: Httpd, process: subprocess.Popen[bytes]) -> str:
    log = made.home / "error.log"
    said = log.read_text() if log.exists() else ""
    return said + (process.stderr.read().decode() if process.stderr and process.poll() is not None else "")


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


@pytest.mark.skipif(
    not (MODULES / "mod_auth_gssapi.so").exists() and not os.environ.get("CI"),
    reason="mod_auth_gssapi (Debian: libapache2-mod-auth-gssapi) is not installed",
)
def test_negotiate_is_the_good_answer(httpd: Start) -> None:
    rules = "  AuthType GSSAPI\n  AuthName sync\n  GssapiCredStore keytab:{home}/http.keytab\n  Require valid-user\n"
    proof = httpd(rules, extra="auth_gssapi").hop()

    assert (proof.status, proof.verdict, proof.cause) == (401, Verdict.GOOD, "")
    assert "offers Negotiate" in proof.evidence
