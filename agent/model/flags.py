"""The flag words of an IIS 6 directory: which bits there are, and what a word means."""

from enum import KEEP, IntFlag
from typing import Self

DWORD = 0xFFFF_FFFF
SSL_FLAGS = "AccessSSLFlags"
"""The property's name in the metabase and in the journal."""


class SslFlags(IntFlag, boundary=KEEP):
    """AccessSSLFlags, metabase id 6030 (domain 2.1: IIS 6 SDK ms524954). Unknown bits are kept as they are."""

    SSL = 8
    NEGOTIATE_CERT = 32
    REQUIRE_CERT = 64
    MAP_CERT = 128
    SSL128 = 256

    @classmethod
    def of(cls, raw: int) -> Self:
        """The word as COM hands it over: a signed 32-bit integer."""
        return cls(raw & DWORD)

    @property
    def signed(self) -> int:
        """The word as COM, and a script's [int], take it: a signed 32-bit integer."""
        return int(self) - (DWORD + 1) if int(self) > DWORD // 2 else int(self)

    @property
    def blocks_proxy(self) -> bool:
        """The proxy's plain HTTP request is refused (domain 1.3, 2.9: 403.4, 403.5 or 403.7)."""
        return bool(self & (SslFlags.SSL | SslFlags.SSL128 | SslFlags.REQUIRE_CERT))

    @property
    def uses_certificates(self) -> bool:
        """Certificate authentication is in use: not to be touched without leave (domain 2.2)."""
        return bool(self & (SslFlags.REQUIRE_CERT | SslFlags.MAP_CERT))

    def cleared(self, *, certificates: bool = False) -> "SslFlags":
        """The word without the bits that block the proxy; the certificate bit goes only with leave (domain 2.2)."""
        blocking = SslFlags.SSL | SslFlags.SSL128
        if certificates:
            blocking |= SslFlags.REQUIRE_CERT
        return SslFlags(int(self) & ~int(blocking) & DWORD)

    @property
    def meaning(self) -> str:
        """In the operator's words, e.g. "264: SSL required, 128-bit required"."""
        return describe(self, _SSL_WORDS)


class AuthFlags(IntFlag, boundary=KEEP):
    """AuthFlags, metabase id 6000 (domain 2.8). Unknown bits are kept as they are."""

    ANONYMOUS = 1
    BASIC = 2
    NTLM = 4

    @classmethod
    def of(cls, raw: int) -> Self:
        """The word as COM hands it over: a signed 32-bit integer."""
        return cls(raw & DWORD)

    @property
    def meaning(self) -> str:
        """In the operator's words, e.g. "6: Basic, Integrated Windows"."""
        return describe(self, _AUTH_WORDS)


_SSL_WORDS = {
    SslFlags.SSL: "SSL required",
    SslFlags.NEGOTIATE_CERT: "client certificate accepted",
    SslFlags.REQUIRE_CERT: "client certificate required",
    SslFlags.MAP_CERT: "client certificate mapped to an account",
    SslFlags.SSL128: "128-bit required",
}
_AUTH_WORDS = {
    AuthFlags.ANONYMOUS: "Anonymous",
    AuthFlags.BASIC: "Basic",
    AuthFlags.NTLM: "Integrated Windows",
}


def describe(word: int, words: "dict[SslFlags, str] | dict[AuthFlags, str]") -> str:
    """The raw number and the name of every bit, unknown bits as one hexadecimal remainder."""
    named = [text for bit, text in words.items() if word & bit]
    rest = int(word) & ~sum(int(bit) for bit in words) & DWORD
    if rest:
        named.append(f"0x{rest:x}")
    return f"{int(word)}: {', '.join(named) or 'none'}"
