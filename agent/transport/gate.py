"""Owns the brake on logons: a password nobody has accepted yet is not tried on every server of the fleet."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum

from agent import errors


class Blame(StrEnum):
    """What a failed visit says about the account."""

    NONE = "none"  # the logon did not come to that, or worked
    PERHAPS = "perhaps"  # the server refused it, or never said: the account, or something between the two
    CERTAINLY = "certainly"  # the domain refused it


class Attempt:
    """One logon under way; set what is known of it before leaving with an error."""

    __slots__ = ("blame", "is_accepted")

    def __init__(self) -> None:
        self.blame = Blame.NONE
        self.is_accepted = False  # the server has shown that the logon worked, whatever came after


class Gate:
    """Shared by all visits under one account.

    A wrong password looks the same on every server, and a domain locks an account after a few of them. So until one
    server has accepted the account, at most `most` logons are under way, refused or left unanswered; after `most` of
    these, or one refusal that the domain itself gave, no further server is asked. Once a server has accepted the
    account, a refusal elsewhere says something about that server only.
    """

    def __init__(self, most: int = 2, *, asks_again: bool = False) -> None:
        """`asks_again`: a server that has not accepted the account may be asked for it once more."""
        self._most = most
        self._asks_again = asks_again
        self._changed = threading.Condition()
        self._under_way = 0
        self._refused_by: list[str] = []
        self._is_accepted = False
        self._is_barred = False

    @property
    def is_open(self) -> bool:
        """Some server has accepted the account: no need to be careful."""
        return self._is_accepted

    def accept(self) -> None:
        """A server has accepted the account: nobody waits any longer, though that server's session is still opening."""
        if self._is_accepted:
            return
        with self._changed:
            self._is_accepted = True
            self._changed.notify_all()

    @property
    def is_barred(self) -> bool:
        """The domain has refused the account since: nobody is to try it again, whoever has accepted it before."""
        return self._is_barred

    @contextmanager
    def logon(self, server: str) -> Iterator[Attempt]:
        """Hold this around a logon; nobody else is let in by it unless it `is_accepted`."""
        self._enter(server)
        attempt = Attempt()
        try:
            yield attempt
        finally:
            self._leave(server, attempt.blame, attempt.is_accepted)

    def _enter(self, server: str) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._is_decided or self._has_room)
            failed = dict.fromkeys(self._refused_by)
            if self._is_barred or not (self._is_accepted or self._has_room):
                raise errors.Denied(
                    server,
                    f"not asked, because {' and '.join(failed)} refused the same account, or left its logon unanswered",
                    "Check the user name and the password; another wrong logon could lock the account. If they are "
                    "right, mend those servers, or leave them out with --skip.",
                )
            if server in failed and not (self._is_accepted or self._asks_again):
                raise errors.Denied(
                    server,
                    "not asked again, because it did not accept the account when it was asked before",
                    "Another wrong logon could lock the account. Look at this server, or leave it out with --skip.",
                )
            self._under_way += 1

    def _leave(self, server: str, blame: Blame, is_accepted: bool) -> None:
        with self._changed:
            self._under_way -= 1
            self._is_accepted = self._is_accepted or is_accepted
            self._is_barred = self._is_barred or blame is Blame.CERTAINLY
            if blame is not Blame.NONE:
                self._refused_by.append(server)
            self._changed.notify_all()

    @property
    def _is_decided(self) -> bool:
        return self._is_accepted or self._is_barred or len(self._refused_by) >= self._most

    @property
    def _has_room(self) -> bool:
        return self._under_way + len(self._refused_by) < self._most
