"""Owns the users of the forest: names, passwords, lock-out."""

from __future__ import annotations

import functools
import secrets
import threading
from dataclasses import dataclass
from enum import StrEnum

LOCKOUT_THRESHOLD = 5  # wrong passwords in a row


class Logon(StrEnum):
    """How a logon went."""

    GRANTED = "granted"
    NO_SUCH_USER = "no such user"
    WRONG_PASSWORD = "wrong password"
    LOCKED = "locked"
    EXPIRED = "expired"
    DISABLED = "disabled"


@dataclass(slots=True)
class User:
    """A domain user; `mailbox_server` is the machine name of the server with the mailbox."""

    name: str
    password: str
    domain: str = "LAB"
    upn: str = ""
    is_admin: bool = False
    locked: bool = False
    expired: bool = False
    disabled: bool = False
    mailbox_server: str | None = None
    bad_passwords: int = 0
    logons: int = 0

    @property
    def qualified(self) -> str:
        """DOMAIN\\name."""
        return f"{self.domain}\\{self.name}"


class Accounts:
    """Users by "DOMAIN\\name", "name@dns.domain" or "name", without regard to case."""

    def __init__(self, netbios: str = "LAB", dns: str = "lab.example") -> None:
        self.netbios = netbios
        self.dns = dns
        self.lockout_threshold = LOCKOUT_THRESHOLD
        self._users: dict[str, User] = {}
        self._lock = threading.RLock()
        self.add("Administrator", secrets.token_urlsafe(24), is_admin=True)  # built in; nobody knows the password

    def add(self, name: str, password: str, *, is_admin: bool = False, mailbox_server: str | None = None) -> User:
        """Make a user of the domain."""
        user = User(
            name, password, self.netbios, f"{name}@{self.dns}", is_admin=is_admin, mailbox_server=mailbox_server
        )
        with self._lock:
            self._users[name.lower()] = user
        return user

    def users(self) -> list[User]:
        """All users."""
        with self._lock:
            return list(self._users.values())

    def find(self, user: str) -> User | None:
        """The user of any form of the name; None when there is none in this domain."""
        return self._users.get(_plain_name(user, self.netbios, self.dns))

    def check(self, user: str, password: str) -> Logon:
        """Try a logon, and count it."""
        found = self.find(user)
        if found is None:
            return Logon.NO_SUCH_USER
        return self.settle(found, proved=found.password == password)

    def settle(self, user: User, *, proved: bool) -> Logon:
        """Count a logon whose password somebody else has compared (NTLM), and say how it went."""
        with self._lock:
            if user.locked:
                return Logon.LOCKED
            if not proved:
                user.bad_passwords += 1
                user.locked = user.bad_passwords >= self.lockout_threshold
                return Logon.WRONG_PASSWORD
            if user.disabled or user.expired:
                return Logon.DISABLED if user.disabled else Logon.EXPIRED
            user.bad_passwords = 0
            user.logons += 1
            return Logon.GRANTED

    def unlock(self, user: User) -> None:
        """What an administrator does after a lock-out."""
        with self._lock:
            user.locked = False
            user.bad_passwords = 0


@functools.lru_cache(maxsize=1024)
def _plain_name(user: str, netbios: str, dns: str) -> str:
    """The lower-case name without its domain; empty for one of another domain."""
    domain, slash, name = user.rpartition("\\")
    if slash and domain.lower() not in ("", ".", netbios.lower(), dns.lower()):
        return ""
    name, at, suffix = name.partition("@")
    if at and suffix.lower() not in (dns.lower(), netbios.lower()):
        return ""
    return name.lower()
