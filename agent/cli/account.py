"""Owns who is at the keyboard: the account of the operating system, and whether two names mean one person."""

from __future__ import annotations

import getpass
import os


def account() -> str:
    """The account that this process runs under, as the system knows it.

    Not as the environment says: LOGNAME and USERNAME are whatever somebody has set them to.
    """
    return _windows() if os.name == "nt" else _posix()


def is_same_person(one: str, other: str) -> bool:
    """Whether two names stand for one account, without regard to case and to how the domain is written.

    One person is "berta" to Linux, "LAB\\berta" to Windows and "berta@lab.example" to Kerberos, and which of them is
    recorded depends on the machine, not on the person: so the domain cannot tell two people apart. Two accounts of the
    same name in two domains are taken for one person too. That is the safe side: it asks for a third pair of eyes, and
    never lets somebody approve from one domain what they apply from another.
    """
    return bool(_bare(one)) and _bare(one) == _bare(other)


def _bare(name: str) -> str:
    """The name without its domain: DOMAIN\\user, DOMAIN/user, user@domain."""
    return name.strip().replace("/", "\\").rpartition("\\")[2].partition("@")[0].strip().casefold()


def _posix() -> str:
    import pwd

    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:  # no such user in the system's own list, as in some containers
        return str(number)


def _windows() -> str:
    """DOMAIN\\user: GetUserNameExW with NameSamCompatible, 2 (secext.h)."""
    import ctypes

    size = ctypes.c_ulong(256)
    text = ctypes.create_unicode_buffer(size.value)
    library = ctypes.WinDLL("secur32")  # type: ignore[attr-defined,unused-ignore]  # Windows only
    return text.value if library.GetUserNameExW(2, text, ctypes.byref(size)) else getpass.getuser()
