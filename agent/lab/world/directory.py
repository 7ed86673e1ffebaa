"""Owns Active Directory: objects by distinguished name, search, and who is told of a change."""

from __future__ import annotations

import re
import sys
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.ldap_filter import Value, compile_filter

_COMMA = re.compile(r"(?<!\\),\s*")


class Scope(StrEnum):
    """How far below the base a search looks."""

    BASE = "Base"
    ONE_LEVEL = "OneLevel"
    SUBTREE = "Subtree"


@dataclass(frozen=True, slots=True)
class DirectoryObject:
    """One object as it was when it was read; attribute names are kept as written."""

    dn: str
    attributes: Mapping[str, tuple[Value, ...]]

    def values(self, name: str) -> tuple[Value, ...]:
        """All values of an attribute, without regard to case; none where it is not set."""
        low = name.lower()
        if low == "distinguishedname":
            return (self.dn,)
        if low == "objectguid":
            return (self.guid.bytes_le,)
        return next((values for each, values in self.attributes.items() if each.lower() == low), ())

    def get(self, name: str) -> Value | None:
        """The first value of an attribute; None where it is not set."""
        values = self.values(name)
        return values[0] if values else None

    @property
    def guid(self) -> uuid.UUID:
        """The same for the same name: a lab needs no more."""
        return uuid.uuid5(uuid.NAMESPACE_X500, self.dn.lower())


def split_dn(dn: str) -> list[str]:
    """The parts of a distinguished name, nearest first."""
    return _COMMA.split(dn.strip()) if dn.strip() else []


def normal(dn: str) -> str:
    """The form two spellings of the same name share; interned, as each is a key of several tables."""
    return sys.intern(",".join(part.strip().lower() for part in split_dn(dn)))


def parent_of(dn: str) -> str:
    """The name of the object above."""
    return ",".join(split_dn(dn)[1:])


def escaped(name: str) -> str:
    """A value for use in a distinguished name."""
    return re.sub(r'([,+"\\<>;=])', r"\\\1", name)


class Directory:
    """One domain and its configuration container, shared by all machines of a forest."""

    def __init__(self, dns_domain: str) -> None:
        self.domain_dn = ",".join(f"DC={part}" for part in dns_domain.split("."))
        self.configuration_dn = f"CN=Configuration,{self.domain_dn}"
        self._objects: dict[str, DirectoryObject] = {}
        self._children: dict[str, list[str]] = {}
        self._watchers: dict[str, list[Callable[[str], None]]] = {}
        self._lock = threading.RLock()
        self.add(self.domain_dn, "domainDNS")
        self.add(self.configuration_dn, "configuration")

    def root_dse(self) -> dict[str, str]:
        """What every client may read first."""
        return {
            "defaultNamingContext": self.domain_dn,
            "rootDomainNamingContext": self.domain_dn,
            "configurationNamingContext": self.configuration_dn,
            "schemaNamingContext": f"CN=Schema,{self.configuration_dn}",
        }

    def exists(self, dn: str) -> bool:
        """True when the object is there."""
        return normal(dn) in self._objects

    def find(self, dn: str) -> DirectoryObject:
        """The object, or "There is no such object on the server."."""
        if (found := self._objects.get(normal(dn))) is None:
            raise WorldError(ErrorKind.NO_SUCH_OBJECT, dn)
        return found

    def add(self, dn: str, *classes: str, **attributes: Value | Sequence[Value]) -> DirectoryObject:
        """Make an object; the containers above it are made too where they are missing."""
        with self._lock:
            if self.exists(dn):
                raise WorldError(ErrorKind.ALREADY_EXISTS, dn)
            above = parent_of(dn)
            if self._objects and above and not dn.upper().startswith("DC=") and not self.exists(above):
                self.add(above, "container")
            kind, _, name = split_dn(dn)[0].partition("=")
            named = {"objectClass": ("top", *classes), kind.lower(): (name.replace("\\", ""),)}
            given = {each: _tuple(value) for each, value in attributes.items()}
            made = DirectoryObject(dn, {**named, "name": named[kind.lower()], **given})
            self._objects[normal(dn)] = made
            self._children.setdefault(normal(above), []).append(normal(dn))
        self._tell(dn)
        return made

    def set(self, dn: str, name: str, *values: Value) -> None:
        """Replace an attribute; without values clear it."""
        with self._lock:
            old = self.find(dn)
            rest = {each: held for each, held in old.attributes.items() if each.lower() != name.lower()}
            new = {**rest, name: values} if values else rest
            self._objects[normal(dn)] = DirectoryObject(old.dn, new)
        self._tell(dn)

    def delete(self, dn: str) -> None:
        """Delete an object and all below it."""
        with self._lock:
            for child in self.children(dn):
                self.delete(child.dn)
            self.find(dn)
            del self._objects[normal(dn)]
            self._children[normal(parent_of(dn))].remove(normal(dn))
            self._children.pop(normal(dn), None)
        self._tell(dn)

    def children(self, dn: str) -> list[DirectoryObject]:
        """The objects directly below."""
        with self._lock:
            return [self._objects[each] for each in self._children.get(normal(dn), ())]

    def search(self, base: str, filter_text: str, scope: Scope = Scope.SUBTREE) -> list[DirectoryObject]:
        """The objects in the scope that the filter fits."""
        test = compile_filter(filter_text)
        with self._lock:
            return [each for each in self._scope(self.find(base), scope) if test(each.values)]

    def watch(self, dn: str, watcher: Callable[[str], None]) -> None:
        """Call `watcher(dn)` after each change at or below `dn`, in the changing thread."""
        self._watchers.setdefault(normal(dn), []).append(watcher)

    def _scope(self, base: DirectoryObject, scope: Scope) -> Iterator[DirectoryObject]:
        if scope is not Scope.ONE_LEVEL:
            yield base
        if scope is Scope.BASE:
            return
        for child in self.children(base.dn):
            yield from self._scope(child, Scope.SUBTREE if scope is Scope.SUBTREE else Scope.BASE)

    def _tell(self, dn: str) -> None:
        parts = split_dn(dn)
        for start in range(len(parts)):
            for watcher in self._watchers.get(normal(",".join(parts[start:])), ()):
                watcher(dn)


def _tuple(value: Value | Sequence[Value]) -> tuple[Value, ...]:
    return (value,) if isinstance(value, str | int | bytes) else tuple(value)
