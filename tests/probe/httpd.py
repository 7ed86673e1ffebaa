"""A web server that is not ours: Apache httpd from the system, in a folder of the test's own, on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from phones import asking, now
from ports import HeldPort

from agent.lab.web.authority import LabAuthority
from agent.model import Https, Proof, Role, Server
from agent.probe import probe
from agent.probe.endtoend import end_to_end
from agent.probe.phone import Phone
from agent.transport.credentials import Credentials, Secret
from agent.transport.gate import Gate

HTTPD = shutil.which("apache2") or shutil.which("httpd") or "/usr/sbin/apache2"
HTPASSWD = shutil.which("htpasswd") or "/usr/bin/htpasswd"
MODULES = Path("/usr/lib/apache2/modules")
NAME = "cas01.lab.example"
USER, PASSWORD = "LAB\\anna", "Secret:1"
EAS = "/Microsoft-Server-ActiveSync"

INSTALLED = Path(HTTPD).exists() and Path(HTPASSWD).exists() and MODULES.is_dir()
NEEDED = pytest.mark.skipif(
    not INSTALLED and not os.environ.get("CI"), reason="Apache httpd (Debian: apache2, apache2-utils) is not installed"
)
GSSAPI_NEEDED = pytest.mark.skipif(
    not (MODULES / "mod_auth_gssapi.so").exists() and not os.environ.get("CI"),
    reason="mod_auth_gssapi (Debian: libapache2-mod-auth-gssapi) is not installed",
)

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
    return Phone(Credentials(USER, Secret(password)), Gate(asks_again=True))


Start = Callable[..., Httpd]


class Place:
    """A folder, and the servers that were started in it."""

    def __init__(self) -> None:
        # Not pytest's own folder: started by root, Apache's workers are another user, who must be let in.
        self.home = Path(tempfile.mkdtemp(prefix="httpd-"))
        self._running: list[subprocess.Popen[bytes]] = []
        self._held: list[HeldPort] = []

    def start(
        self,
        rules: str,
        body: bytes = b"",
        kind: str = "application/vnd.ms-sync.wbxml",
        extra: str = "",
        lay: Callable[[Path], None] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> Httpd:
        """Start Apache with these rules for the ActiveSync directory, this body behind them, and further modules.

        `lay` puts further files into its folder, which rules and environment call {home}.
        """
        self.home.chmod(0o755)
        if lay is not None:
            lay(self.home)
        told = {name: value.format(home=self.home) for name, value in (environment or {}).items()}
        _write(self.home, body, kind)
        self._held += [HeldPort(), HeldPort()]
        made = Httpd(self.home, *(each.number for each in self._held[-2:]))
        _configure(made, rules.format(home=self.home, version="6.5.7638.1"), extra.split())
        command = [HTTPD, "-f", str(self.home / "httpd.conf"), "-DFOREGROUND"]
        process = subprocess.Popen(command, stderr=subprocess.PIPE, env={**os.environ, **told})
        self._running.append(process)
        _wait(made, process)
        return made

    def close(self) -> None:
        """End every server."""
        for process in self._running:
            process.terminate()
            process.wait(30)
            if process.stderr:
                process.stderr.close()
        for port in self._held:
            port.close()
        shutil.rmtree(self.home)


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
    for name, mode in (("root", 0o755), ("body", 0o644), ("users", 0o644)):  # whatever the umask of this process
        (home / name).chmod(mode)


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
