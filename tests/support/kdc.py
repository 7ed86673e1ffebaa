"""A Kerberos realm on loopback: MIT's KDC from the system, in a folder of the test's own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

from lacking import lacking
from ports import HeldPort

REALM = "LAB.EXAMPLE"
_AES = "permitted_enctypes = aes256-cts-hmac-sha1-96"
DEADLINE = 20.0
_PROGRAMS = ("krb5kdc", "kadmin.local", "kdb5_util")
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
# AES only: RC4 message sealing does not work between two MIT ends.
_CLIENT = """[libdefaults]
 default_realm = {realm}
 dns_lookup_kdc = false
 dns_lookup_realm = false
 dns_canonicalize_hostname = false
 rdns = false
 udp_preference_limit = 1
 permitted_enctypes = aes256-cts-hmac-sha1-96
[realms]
 {realm} = {{
  kdc = 127.0.0.1:{port}
 }}
[domain_realm]
 .lab.example = {realm}
"""
_SERVER = """[kdcdefaults]
 kdc_listen = 127.0.0.1:{port}
 kdc_tcp_listen = 127.0.0.1:{port}
[realms]
 {realm} = {{
  database_name = {folder}/principal
  key_stash_file = {folder}/stash
  acl_file = {folder}/acl
  supported_enctypes = aes256-cts-hmac-sha1-96:normal
 }}
[logging]
 kdc = FILE:{folder}/kdc.log
"""


def require() -> None:
    """Skip with the reason where Kerberos cannot be had; fail where it must be."""
    missing = [name for name in _PROGRAMS if shutil.which(name, path=_PATH) is None]
    try:
        import gssapi  # noqa: F401 - the question is whether it is there
        import krb5  # noqa: F401 - likewise
    except ImportError:
        missing.append("the Python packages gssapi and krb5 (pyspnego[kerberos])")
    if not missing:
        return
    lacking(f"Kerberos needs {', '.join(missing)}")


class Realm:
    """A running KDC; `environment` is what a client and an acceptor of this process need."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.keytab = folder / "keytab"
        self._held = HeldPort()
        names = {"realm": REALM, "port": self._held.number, "folder": folder}
        (folder / "krb5.conf").write_text(_CLIENT.format(**names), encoding="utf-8")
        (folder / "kdc.conf").write_text(_SERVER.format(**names), encoding="utf-8")
        self.environment = {
            "KRB5_CONFIG": str(folder / "krb5.conf"),
            "KRB5_KDC_PROFILE": str(folder / "kdc.conf"),
            "KRB5CCNAME": f"FILE:{folder / 'ccache'}",
            "KRB5RCACHENAME": "none:",
        }
        # The domain itself permits RC4 too, so that it is a client and a server that have no type in common.
        both = (
            (folder / "krb5.conf").read_text(encoding="utf-8").replace(_AES, f"{_AES} arcfour-hmac\n allow_rc4 = true")
        )
        (folder / "domain.conf").write_text(both, encoding="utf-8")
        self._run("kdb5_util", "create", "-s", "-P", "master")
        self._kdc = subprocess.Popen(
            [str(shutil.which("krb5kdc", path=_PATH)), "-n"],
            env={**self._env(), "KRB5_CONFIG": str(folder / "domain.conf")},
            stderr=subprocess.DEVNULL,
        )
        self._wait()

    def add_user(self, name: str, password: str) -> None:
        """A principal with a password."""
        self.kadmin(f'addprinc -pw "{password}" +requires_preauth {name}')

    def add_service(self, principal: str) -> None:
        """A service principal, its key in the keytab."""
        self.kadmin(f"addprinc -randkey {principal}")
        self.kadmin(f"ktadd -k {self.keytab} {principal}")

    def add_service_of(self, principal: str, encryption: str) -> None:
        """A service that the domain knows to have nothing but this encryption type; nobody has its key in a keytab."""
        self.kadmin(f"addprinc -randkey -e {encryption}:normal {principal}")
        self.kadmin(f"setstr {principal} session_enctypes {encryption}")

    def keytab_of(self, principal: str, password: str, encryption: str) -> Path:
        """A keytab that holds this principal with a key of this type, whatever key the domain has."""
        made = self.folder / f"{encryption}.keytab"
        lines = f"addent -password -p {principal} -k 1 -e {encryption}\n{password}\nwkt {made}\nquit\n"
        found = str(shutil.which("ktutil", path=_PATH))
        subprocess.run([found], input=lines.encode(), env=self._env(), check=True, capture_output=True, timeout=60)
        return made

    def kadmin(self, query: str) -> None:
        """Tell the KDC's database something."""
        self._run("kadmin.local", "-q", query)

    @property
    def log(self) -> str:
        """What the KDC wrote."""
        return (self.folder / "kdc.log").read_text(encoding="utf-8")

    def close(self) -> None:
        """Stop the KDC."""
        self._kdc.terminate()
        self._kdc.wait(DEADLINE)
        self._held.close()

    def _env(self) -> dict[str, str]:
        return {**os.environ, **self.environment, "PATH": _PATH}

    def _run(self, program: str, *arguments: str) -> None:
        found = str(shutil.which(program, path=_PATH))
        subprocess.run([found, "-r", REALM, *arguments], env=self._env(), check=True, capture_output=True, timeout=60)

    def _wait(self) -> None:
        """Until the KDC listens."""
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until and self._kdc.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self._held.number)) == 0:
                    return
        raise RuntimeError("the KDC did not start")
