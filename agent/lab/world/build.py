"""Owns the making of machines: a realistic default server of each role, with its objects in AD."""

from __future__ import annotations

from datetime import timedelta
from functools import lru_cache

from agent.lab.world import default_disk, default_metabase
from agent.lab.world.catalog import specs
from agent.lab.world.exchange_objects import add_client_access, add_exchange_2003, add_virtual_server
from agent.lab.world.forest import Forest
from agent.lab.world.image import Image
from agent.lab.world.machine import Machine
from agent.lab.world.system import ExchangeInfo, OperatingSystem, Role
from agent.lab.world.tree import Tree

_UP_SINCE = timedelta(days=41, hours=7)  # how long a machine has been up when the lab starts
_WINDOWS_2003, _WINDOWS_2008 = r"C:\WINDOWS", r"C:\Windows"


def exchange_2003(
    name: str,
    forest: Forest,
    *,
    front_end: bool = False,
    clustered: bool = False,
    isolation_mode: bool = False,
    service_pack: int = 2,
    address: str = "127.0.0.1",
    seed: int | None = None,
) -> Machine:
    """Windows Server 2003 SP2 with Exchange 2003: a mailbox server, or with `front_end` a front-end."""
    role = Role.FRONT_END if front_end else Role.BACK_END
    build, minor = {1: (7226, 6), 2: (7638, 2)}.get(service_pack, (6944, 4))  # domain 7.1
    os = OperatingSystem(
        "5.2.3790",
        2,
        "Microsoft(R) Windows(R) Server 2003, Standard Edition",
        _WINDOWS_2003,
        forest.clock.now() - _UP_SINCE,
    )
    exchange = ExchangeInfo(
        "6.5", build, service_pack, forest.organization, forest.admin_group, build, minor, clustered
    )
    image = _image(role, forest.dns, forest.netbios, clustered, isolation_mode, build)
    add_exchange_2003(forest, name, exchange, is_front_end=front_end)
    return _named(Machine(name, role, forest, image, os, exchange, address=address, seed=seed))


def client_access(
    name: str, forest: Forest, version: int = 2010, *, address: str = "127.0.0.1", seed: int | None = None
) -> Machine:
    """A Client Access server: 2007 SP3 on Server 2008 SP2, or 2010 SP3 on Server 2008 R2 SP1."""
    admin_group = "Exchange Administrative Group (FYDIBOHF23SPDLT)"
    boot = forest.clock.now() - _UP_SINCE
    if version == 2007:
        role = Role.CAS2007
        os = OperatingSystem("6.0.6002", 2, "Microsoft\u00ae Windows Server\u00ae 2008 Standard ", _WINDOWS_2008, boot)
        exchange = ExchangeInfo("8.3", 30083, 0, forest.organization, admin_group, 1912832083, 6)
    elif version == 2010:
        role = Role.CAS2010
        os = OperatingSystem("6.1.7601", 1, "Microsoft Windows Server 2008 R2 Standard ", _WINDOWS_2008, boot)
        exchange = ExchangeInfo("14.3", 30123, 0, forest.organization, admin_group, 1937801339, 4)
    else:
        raise ValueError(f"no Client Access server of Exchange {version}")
    image = _image(role, forest.dns, forest.netbios, False, False, exchange.build)
    add_client_access(forest, name, exchange)
    return _named(Machine(name, role, forest, image, os, exchange, address=address, seed=seed))


def add_site(
    machine: Machine,
    number: int,
    comment: str,
    *,
    bindings: tuple[str, ...] = (":8080:",),
    ssl_flags: int = 0,
    directory_ssl_flags: int | None = None,
) -> str:
    """Give the machine a further web site with an ActiveSync directory, as a further Exchange virtual server has it.

    The directory requires `ssl_flags` now, its AD object says `directory_ssl_flags` (the same by default).
    The result is the directory's path. domain 2.4, 3.3
    """
    keys = [
        *default_metabase.default_site(str(number), comment, bindings, ()),
        default_metabase.eas_directory(str(number)),
    ]
    with machine.lock:
        tree = machine.metabase.memory
        merged = Tree({**tree.keys, **{key.path.lower(): key for key in keys}})
        if ssl_flags:
            merged = merged.with_value(keys[-1].path, "AccessSSLFlags", ssl_flags)
        in_directory = ssl_flags if directory_ssl_flags is None else directory_ssl_flags
        add_virtual_server(machine.forest, machine.name, number, comment, in_directory)
        machine.metabase.replace(merged)
        machine.iis.start_site(str(number))
        machine.ds2mb.settle()
    return keys[-1].path


def _named(machine: Machine) -> Machine:
    key = r"SYSTEM\CurrentControlSet\Control\ComputerName\ComputerName"
    machine.registry.set(key, "ComputerName", machine.name)
    return machine


@lru_cache(maxsize=64)
def _image(role: Role, dns: str, netbios: str, clustered: bool, isolation_mode: bool, build: int) -> Image:
    windows = _WINDOWS_2003 if role.is_2003 else _WINDOWS_2008
    services = specs(role, windows, clustered=clustered, isolation_mode=isolation_mode)
    tree = default_metabase.default_tree(role, windows, dns, netbios, isolation_mode=isolation_mode)
    return Image(
        tree,
        default_disk.default_registry(role, windows, services, build),
        default_disk.default_files(role, windows, tree),
        services,
        default_disk.DISK_BYTES,
    )
