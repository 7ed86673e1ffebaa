"""A Kerberos realm of MIT's krb5kdc on loopback, for as long as a test needs it."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

REALM = "LAB.EXAMPLE"
PROGRAMS = ("krb5kdc", "kdb5_util", "kadmin.local")
_SBIN = "/usr/sbin:/usr/local/sbin"

_KRB5_CONF = """[libdefaults]
default_realm = {realm}
dns_lookup_kdc = false
dns_canonicalize_hostname = false
rdns = false
permitted_enctypes = aes256-cts-hmac-sha1-96
[realms]
{realm} = {{
  kdc = 127.0.0.1:{port}
}}
[domain_realm]
.lab.example = {realm}
"""
_KDC_CONF = """[kdcdefaults]
kdc_listen = 127.0.0.1:{port}
kdc_tcp_listen = 127.0.0.1:{port}
[realms]
{realm} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  supported_enctypes = aes256-cts-hmac-sha1-96:normal
}}
[logging]
kdc = FILE:{folder}/kdc.log
"""


class Realm:
    """`environment` is what a client in this process or another needs to find it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        values = {"realm": REALM, "port": self.port, "folder": folder}
        (folder / "krb5.conf").write_text(_KRB5_CONF.format(**values))
        (folder / "kdc.conf").write_text(_KDC_CONF.format(**values))
        self.environment = {
            "KRB5_CONFIG": str(folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
            "KRB5CCNAME": f"FILE:{folder}/ccache",
        }
        self._run("kdb5_util", "create", "-s", "-P", "master")
        self.keytab = folder / "http.keytab"
        self._kdc: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Serve; returns once the port answers."""
        self._kdc = subprocess.Popen(
            ["krb5kdc", "-n"], env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        for _ in range(10_000):
            try:
                socket.create_connection(("127.0.0.1", self.port), 5).close()
                return
            except ConnectionRefusedError:
                continue
        raise AssertionError("krb5kdc did not begin to listen")

    def stop(self) -> None:
        if self._kdc is not None:
            self._kdc.terminate()
            self._kdc.wait(10)
            self._kdc = None

    def add_user(self, name: str, password: str) -> None:
        self.kadmin(f'addprinc -pw "{password}" +requires_preauth {name}')

    def add_service(self, host: str) -> None:
        self.kadmin(f"addprinc -randkey HTTP/{host}")
        self.kadmin(f"ktadd -k {self.keytab} HTTP/{host}")

    def kadmin(self, query: str) -> None:
        self._run("kadmin.local", "-q", query)

    @property
    def log(self) -> str:
        """What the KDC wrote."""
        return (self.folder / "kdc.log").read_text()

    @property
    def _environment(self) -> dict[str, str]:
        return {**os.environ, **self.environment, "PATH": f"{os.environ.get('PATH', '')}:{_SBIN}"}

    def _run(self, *command: str) -> None:
        subprocess.run(command, env=self._environment, check=True, capture_output=True, timeout=60)
