"""Owns what this machine's Kerberos is set up for, as MIT's own library reads it: includes, crypto policies and all.

The encryption types and `allow_rc4` come from libkrb5 itself (krb5.h, profile.h); no file is parsed here. The ticket
cache is read through pykrb5. No KDC is asked.
"""

from __future__ import annotations

import ctypes
import importlib
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

RC4 = 23  # arcfour-hmac, RFC 4757
_LIBRARIES = ("libkrb5.so.3", "libkrb5.3.dylib", "libkrb5.dylib")
_NO_CACHE = (-1765328189, -1765328243, -1765328245)  # KRB5_FCC_NOFILE, KRB5_CC_NOTFOUND, KRB5_CC_END (krb5_err.et)


@dataclass(frozen=True, slots=True)
class Ticket:
    """Whose tickets lie in the cache, and until when the ticket-granting one is good; None where there is none."""

    principal: str
    ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Kerberos:
    """How Kerberos is set up here. `missing` says why it cannot be used at all; the rest is then empty."""

    missing: str = ""
    files: tuple[str, ...] = ()  # the krb5.conf files that libkrb5 reads and that are there
    realm: str = ""  # the default one
    cache: str = ""  # the name of the ticket cache
    ticket: Ticket | None = None
    permitted: tuple[int, ...] | None = None  # encryption types; None where this library does not tell
    allows_rc4: bool | None = None  # allow_rc4, which MIT knows from 1.21 on; None as above

    @property
    def permits_rc4(self) -> bool | None:
        """RC4 is among the permitted types; None where that cannot be told."""
        return None if self.permitted is None else RC4 in self.permitted


def read() -> Kerberos:
    """How Kerberos is set up on this machine, now."""
    if sys.platform == "win32":
        return Kerberos(missing="Windows does this by itself")
    try:
        importlib.import_module("gssapi")
        krb5 = importlib.import_module("krb5")
    except (ImportError, OSError) as error:
        return Kerberos(missing=f"easfix[kerberos] is not installed: {error}")
    try:
        context = krb5.init_context()
    except krb5.Krb5Error as error:
        return Kerberos(missing=f"libkrb5 cannot read its configuration: {error}")
    permitted, allows_rc4, files = _settings()
    cache, ticket = _cache(krb5, context)
    return Kerberos("", files, _realm(krb5, context), cache, ticket, permitted, allows_rc4)


def _realm(krb5: Any, context: Any) -> str:
    try:
        return _text(krb5.get_default_realm(context))
    except krb5.Krb5Error:
        return ""


def _cache(krb5: Any, context: Any) -> tuple[str, Ticket | None]:
    try:
        name = _text(krb5.cc_default_name(context))
        cache = krb5.cc_default(context)
        principal = _text(bytes(cache.principal.name))
        ends = [each.times.endtime for each in cache if _text(bytes(each.server.name)).startswith("krbtgt/")]
    except krb5.Krb5Error as error:
        return (_text(krb5.cc_default_name(context)) if error.err_code in _NO_CACHE else f"unreadable: {error}"), None
    # A time_t of 32 bits, which Kerberos reads without a sign.
    return name, Ticket(principal, datetime.fromtimestamp(max(ends) & 0xFFFF_FFFF, UTC) if ends else None)


def _settings() -> tuple[tuple[int, ...] | None, bool | None, tuple[str, ...]]:
    """Encryption types, allow_rc4 and the files; nothing where the library is not MIT's."""
    library = _library()
    if library is None:
        return None, None, ()
    context = ctypes.c_void_p()
    if library.krb5_init_context(ctypes.byref(context)):
        return None, None, ()
    try:
        return _permitted(library, context), _allows_rc4(library, context), _files(library)
    finally:
        library.krb5_free_context(context)


def _library() -> ctypes.CDLL | None:
    """MIT's libkrb5; Heimdal has no profile_get_boolean."""
    for name in _LIBRARIES:
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        if hasattr(library, "profile_get_boolean") and hasattr(library, "krb5_get_permitted_enctypes"):
            library.krb5_free_context.argtypes = [ctypes.c_void_p]
            library.krb5_free_context.restype = None
            return library
    return None


def _permitted(library: ctypes.CDLL, context: ctypes.c_void_p) -> tuple[int, ...] | None:
    """krb5_get_permitted_enctypes: a list that ends with 0."""
    found = ctypes.POINTER(ctypes.c_int32)()
    if library.krb5_get_permitted_enctypes(context, ctypes.byref(found)):
        return None
    types: list[int] = []
    while found[len(types)]:
        types.append(found[len(types)])
    library.krb5_free_enctypes.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
    library.krb5_free_enctypes.restype = None
    library.krb5_free_enctypes(context, found)
    return tuple(types)


def _allows_rc4(library: ctypes.CDLL, context: ctypes.c_void_p) -> bool | None:
    """profile_get_boolean of libdefaults/allow_rc4, whose default is no (krb5.conf, MIT 1.21)."""
    profile = ctypes.c_void_p()
    if library.krb5_get_profile(context, ctypes.byref(profile)):
        return None
    value = ctypes.c_int()
    get = library.profile_get_boolean
    get.argtypes = [
        ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_int, ctypes.POINTER(ctypes.c_int),
    ]  # fmt: skip
    failed = get(profile, b"libdefaults", b"allow_rc4", None, 0, ctypes.byref(value))
    library.profile_release.argtypes = [ctypes.c_void_p]
    library.profile_release.restype = None
    library.profile_release(profile)
    return None if failed else bool(value.value)


def _files(library: ctypes.CDLL) -> tuple[str, ...]:
    """krb5_get_default_config_files: KRB5_CONFIG, or what the library was built with."""
    from pathlib import Path

    names = ctypes.POINTER(ctypes.c_char_p)()
    if library.krb5_get_default_config_files(ctypes.byref(names)):
        return ()
    found: list[str] = []
    while (name := names[len(found)]) is not None:
        found.append(_text(name))
    library.krb5_free_config_files.argtypes = [ctypes.c_void_p]
    library.krb5_free_config_files.restype = None
    library.krb5_free_config_files(names)
    return tuple(name for name in found if Path(name).is_file())


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")
