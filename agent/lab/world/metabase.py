"""Owns the IIS metabase of one machine: what memory says, what the disk says, and when one becomes the other."""

from __future__ import annotations

import threading
from collections.abc import Callable

from agent.lab.clock import Clock, Timer
from agent.lab.world import schema
from agent.lab.world.errors import ErrorKind, WorldError
from agent.lab.world.schema import BITS, PropertyAttributes, Value
from agent.lab.world.tree import Tree, normal

SAVE_AFTER = 60.0  # seconds from a change until IISADMIN writes the file. domain 2.5

Watcher = Callable[[str, str], None]


class Metabase:
    """Paths such as "W3SVC/1/ROOT/Exchange", without regard to case; "" is the computer.

    Memory exists only while IISADMIN runs: without it every access fails with "The RPC server is unavailable".
    (A real machine may start IISADMIN by COM activation [bg]; here it stays down, so a script that looks too early
    finds out.)  The disk is always there.
    """

    def __init__(self, tree: Tree, clock: Clock, lock: threading.RLock, store: Callable[[Tree], None]) -> None:
        """`store` writes the file; it raises WorldError when the disk is full."""
        self.save_after = SAVE_AFTER
        self._memory: Tree | None = tree
        self._disk = tree
        self._clock = clock
        self._lock = lock
        self._store = store
        self._volatile: dict[tuple[str, str], Value] = {}
        self._watchers: list[Watcher] = []
        self._timer: Timer | None = None

    # --- reading -----------------------------------------------------------------------------------------------

    @property
    def loaded(self) -> bool:
        """True while IISADMIN holds the metabase in memory."""
        return self._memory is not None

    @property
    def memory(self) -> Tree:
        """The state IIS works with, as one consistent snapshot."""
        if (tree := self._memory) is None:
            raise WorldError(ErrorKind.RPC_UNAVAILABLE, "IISADMIN")
        return tree

    @property
    def disk(self) -> Tree:
        """The state the file holds: what a start of IISADMIN would load."""
        return self._disk

    @property
    def unsaved(self) -> bool:
        """True while memory holds a change that the file does not."""
        return self._memory is not None and self._memory is not self._disk

    def get(self, path: str, name: str) -> Value:
        """The value in force; a named bit such as AccessSSL gives a boolean."""
        tree = self.memory
        entry = schema.attributes(name)
        if (bit := BITS.get(name.lower())) is not None:
            return bool(int_of(tree.get(path, entry.name)) & bit.mask)
        if entry.name == "KeyType":
            return tree.find(path).kind
        if entry.volatile:
            return self._volatile.get((tree.find(path).path.lower(), entry.name), entry.default)
        return tree.get(path, entry.name)

    def in_force(self, path: str) -> dict[str, Value]:
        """Every value in force that is set somewhere on the way up, or lives in memory only: `get` of each."""
        tree = self.memory
        own = tree.find(path)
        found = tree.in_force(path)
        if "KeyType" in found:
            found["KeyType"] = own.kind
        low = own.path.lower()
        return found | {entry.name: self._volatile.get((low, entry.name), entry.default) for entry in schema.VOLATILE}

    def own(self, path: str) -> dict[str, Value]:
        """The values the key holds itself."""
        return dict(self.memory.find(path).values)

    def holder(self, path: str, name: str) -> str | None:
        """The path of the key whose value is in force; None for the schema's default."""
        key = self.memory.holder(path, name)
        return None if key is None else key.path

    def is_inherited(self, path: str, name: str) -> bool:
        """True when the value in force is not the key's own."""
        return schema.attributes(name).name not in self.memory.find(path).values

    def attributes(self, name: str) -> PropertyAttributes:
        """The schema's entry of the property."""
        return schema.attributes(name)

    def exists(self, path: str) -> bool:
        """True when memory has the key."""
        return self.memory.exists(path)

    def kind(self, path: str) -> str:
        """The KeyType, such as IIsWebVirtualDir."""
        return self.memory.find(path).kind

    def children(self, path: str) -> list[str]:
        """The names of the keys directly below."""
        return self.memory.children(path)

    def data_paths(self, name: str, under: str = "") -> list[str]:
        """The keys at or below `under` that hold their own value."""
        return self.memory.data_paths(name, under)

    def saved_get(self, path: str, name: str) -> Value:
        """The value in force according to the disk."""
        return self._disk.get(path, name)

    # --- writing -----------------------------------------------------------------------------------------------

    def set(self, path: str, name: str, value: Value) -> None:
        """Put an explicit value at the key; it acts at once, the file follows. domain 2.5"""
        with self._lock:
            entry = schema.attributes(name)
            if (bit := BITS.get(name.lower())) is not None:
                old = int_of(self.memory.get(path, entry.name))
                value = old | bit.mask if value else old & ~bit.mask
            value = schema.checked(entry, value)
            if entry.volatile:
                self.set_volatile(path, entry.name, value)
            else:
                self._change(self.memory.with_value(path, entry.name, value))
            self._tell(path, entry.name)

    def delete_value(self, path: str, name: str) -> None:
        """Drop the key's own value, so that it inherits again."""
        with self._lock:
            entry = schema.attributes(name)
            self._change(self.memory.without_value(path, entry.name))
            self._tell(path, entry.name)

    def create(self, path: str, kind: str) -> None:
        """Make a key below an existing one."""
        with self._lock:
            self._change(self.memory.with_key(path, kind))

    def delete(self, path: str) -> None:
        """Drop the key and all below it."""
        with self._lock:
            self._change(self.memory.without_key(path))

    def set_volatile(self, path: str, name: str, value: Value) -> None:
        """Set a value that lives in memory only, such as ServerState, and tell nobody."""
        with self._lock:
            self._volatile[(self.memory.find(path).path.lower(), name)] = value

    def watch(self, watcher: Watcher) -> None:
        """Call `watcher(path, property)` after each change of a value, in the changing thread; it must be quick."""
        self._watchers.append(watcher)

    # --- memory and disk ---------------------------------------------------------------------------------------

    def save(self) -> None:
        """Write memory to the file now; on a full disk fail, and keep the old file."""
        with self._lock:
            tree = self.memory
            self._store(tree)
            self._disk = tree
            self._forget_timer()

    def load(self) -> None:
        """What IISADMIN does when it starts: memory becomes what the file says."""
        with self._lock:
            self._forget_timer()
            self._volatile.clear()
            self._memory = self._disk

    def unload(self, *, save: bool) -> None:
        """IISADMIN ends: in order (`save`), or killed, which loses what was not saved. domain 2.6"""
        with self._lock:
            if save and self.unsaved:
                self._save_if_room()
            self._forget_timer()
            self._memory = None
            self._volatile.clear()

    def replace(self, tree: Tree) -> None:
        """Put another state in the file's place (a restored backup, a machine made to order); memory follows."""
        with self._lock:
            self._store(tree)
            self._disk = tree
            if self._memory is not None:
                self._memory = tree
            self._forget_timer()

    def _change(self, tree: Tree) -> None:
        if tree is self._memory:
            return
        self._memory = tree
        if self._timer is None:
            self._timer = self._clock.call_later(self.save_after, self._autosave)

    def _autosave(self) -> None:
        with self._lock:
            self._timer = None
            if self.unsaved and not self._save_if_room():
                self._timer = self._clock.call_later(self.save_after, self._autosave)

    def _save_if_room(self) -> bool:
        try:
            self.save()
        except WorldError as error:
            if error.kind is not ErrorKind.DISK_FULL:
                raise
            return False
        return True

    def _forget_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tell(self, path: str, name: str) -> None:
        for watcher in self._watchers:
            watcher(normal(path), name)


def int_of(value: Value) -> int:
    """A DWORD's value; anything else is a wrong use of the schema."""
    if not isinstance(value, int):
        raise WorldError(ErrorKind.INVALID_ARGUMENT, repr(value))
    return int(value)
