"""Owns what this machine can do for a logon or a TLS connection: tried out here, without asking anybody."""

from __future__ import annotations

import hashlib
import ssl
import sys
from collections.abc import Iterable
from dataclasses import dataclass

from agent.doctor import kerberos
from agent.doctor.kerberos import Kerberos

# What a Server 2003 can offer over TLS 1.0: RC4 and 3DES, AES after KB948963 (domain 6.2).
OLD_SUITES = ("RC4-SHA", "RC4-MD5", "DES-CBC3-SHA", "AES128-SHA", "AES256-SHA")


@dataclass(frozen=True, slots=True)
class Tls:
    """What the OpenSSL of this Python is able to speak, at the lowest security level that it can be set to."""

    version: str
    old_suites: tuple[str, ...]  # those of OLD_SUITES that it still has
    lowest: str  # the lowest protocol that it speaks unless told otherwise, such as "TLSv1.2"

    @property
    def reaches_2003(self) -> bool:
        """As it is set up here, a Server 2003 and it have a protocol in common."""
        return self.lowest in ("SSLv3", "TLSv1") and bool(self.old_suites)


@dataclass(frozen=True, slots=True)
class Abilities:
    """What this machine can do."""

    kerberos: Kerberos
    ntlm_missing: str  # why NTLM cannot be used; empty where it can
    tls: Tls
    is_windows: bool = False  # Windows itself logs on: Kerberos, and NTLM after it


def look() -> Abilities:
    """Try everything out."""
    return Abilities(kerberos.read(), ntlm_missing(), tls(), sys.platform == "win32")


def ntlm_missing() -> str:
    """Why NTLM with sealed messages is not possible; empty where it is.

    It takes MD4, MD5 and RC4 ([MS-NLMP] 3.3.2, 3.4.4). pyspnego brings an MD4 of its own. RC4 comes from the OpenSSL
    inside `cryptography`, with its legacy provider; MD5 from the OpenSSL of Python, which refuses it in FIPS mode.
    """
    try:
        hashlib.md5(b"").digest()
    except ValueError as error:
        return f"OpenSSL refuses MD5: {error}"
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
    from cryptography.hazmat.primitives.ciphers import Cipher

    try:
        Cipher(ARC4(bytes(16)), mode=None).encryptor().update(b"x")
    except UnsupportedAlgorithm as error:
        return f"OpenSSL has no RC4: {error}"
    return ""


def tls() -> Tls:
    """What Python's OpenSSL speaks."""
    context = ssl.create_default_context()
    lowest = context.minimum_version
    if lowest == ssl.TLSVersion.MINIMUM_SUPPORTED:
        lowest = ssl.TLSVersion.TLSv1
    return Tls(ssl.OPENSSL_VERSION, tuple(_present(OLD_SUITES)), lowest.name.replace("_", "."))


def _present(names: Iterable[str]) -> Iterable[str]:
    for name in names:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            context.set_ciphers(f"{name}:@SECLEVEL=0")
        except ssl.SSLError:
            continue
        yield name
