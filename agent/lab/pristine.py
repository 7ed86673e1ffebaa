"""Owns the way back: what a machine was when it was built, and how `healthy` makes it so again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from agent.lab.world.default_disk import sync_web_config
from agent.lab.world.ldap_filter import Value
from agent.lab.world.service import ServiceState
from agent.lab.world.tree import Tree

if TYPE_CHECKING:
    from agent.lab.world.machine import Machine

MAS_SYNC = r"SYSTEM\CurrentControlSet\Services\MasSync\Parameters"  # domain 4.1
OF_THE_DIRECTORY = ("msExchAccessSSLFlags", "msExchAuthenticationFlags")


@dataclass(frozen=True, slots=True)
class Pristine:
    """What can be put back: the metabase, the directory's objects, free disk space, the language."""

    metabase: Tree
    directory: tuple[tuple[str, str, tuple[Value, ...]], ...]  # DN, attribute, values
    free_bytes: int
    culture: str
    web_config: bytes
    running: tuple[str, ...]  # services

    @staticmethod
    def of(machine: Machine) -> Pristine:
        """What is so now."""
        config = sync_web_config(machine.role)
        return Pristine(
            machine.metabase.memory,
            tuple(_attributes(machine)),
            machine.files.free_bytes,
            machine.os.culture,
            b"" if machine.role.is_2003 else machine.files.read(config),
            tuple(each.name for each in machine.services.list() if each.is_running),
        )

    def restore(self, machine: Machine) -> None:
        """Everything as it was built; what has been logged, counted and backed up since stays."""
        with machine.lock:
            _undo_habits(machine)
            machine.files.free_bytes = self.free_bytes
            machine.os.culture = self.culture
            if not machine.role.is_2003:
                machine.files.write(sync_web_config(machine.role), self.web_config)
            if machine.registry.get(MAS_SYNC, "ExchangeVDir") is not None:
                machine.registry.delete_value(MAS_SYNC, "ExchangeVDir")
            for dn, name, values in self.directory:
                machine.directory.set(dn, name, *values)
            machine.metabase.replace(self.metabase)
            _start_what_is_down(machine, self.running)
            machine.ds2mb.settle()
        machine.changed()


def _attributes(machine: Machine) -> list[tuple[str, str, tuple[Value, ...]]]:
    top = f"CN=HTTP,CN=Protocols,{machine.forest.server_dn(machine.name)}"
    if not machine.directory.exists(top):
        return []
    objects = [each for server in machine.directory.children(top) for each in machine.directory.children(server.dn)]
    return [(each.dn, name, each.values(name)) for each in objects for name in OF_THE_DIRECTORY]


def _undo_habits(machine: Machine) -> None:
    """What makes the machine misbehave later."""
    machine.ds2mb.revert_after = None
    machine.iisreset.disable(False)
    machine.iisreset.loses_change = False
    machine.iisreset.leaves_stopped.clear()
    for service in machine.services.list():
        service.stuck = False


def _start_what_is_down(machine: Machine, names: tuple[str, ...]) -> None:
    """Services first, then the web sites and pools that somebody stopped."""
    services = machine.services
    hanging = [each.name for each in services.list() if each.state is ServiceState.STOP_PENDING]
    services.end_all(hanging, clean=True)
    services.begin_all(names)
    if machine.metabase.loaded and services.get("W3SVC").is_running:
        for site in machine.iis.sites():
            machine.iis.start_site(site)
        for pool in machine.iis.pools():
            machine.iis.start_pool(pool)
