"""Owns what all machines of a role have in common, held once for all of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from agent.lab.world.files import Entry
from agent.lab.world.registry import RegistryKey
from agent.lab.world.services import ServiceSpec
from agent.lab.world.tree import Tree


@dataclass(frozen=True, slots=True)
class Image:
    """The disk and the service list a machine starts with; never changed, machines keep their own differences."""

    metabase: Tree
    registry: Mapping[str, RegistryKey]
    files: Mapping[str, Entry]
    services: tuple[ServiceSpec, ...]
    disk_bytes: int
