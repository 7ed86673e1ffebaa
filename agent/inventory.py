"""The servers of this run: from the configuration, by the names the operator gave; unknown names are refused."""

from collections.abc import Iterable, Sequence

from agent.config import Config, ProxyEntry, ServerEntry, nearest
from agent.errors import Capped, EmptySelection, UnknownName
from agent.model import Guard, Https, Role, Server, Winrm

_WINRM_PORTS = {"http": 5985, "https": 5986}  # domain 6.1


def select(
    config: Config, limit: Sequence[str] | None = None, skip: Sequence[str] = (), *, may_exceed_cap: bool = False
) -> tuple[Server, ...]:
    """The back-ends to work on, by priority and then by name; names are told apart without regard to case.

    `limit` of None means all; an empty one is an empty set. Raises `UnknownName`, `EmptySelection` and `Capped`.
    """
    everything = back_ends(config)
    _refuse_unknown([*(limit or ()), *skip], [server.name for server in everything])
    wanted = {name.casefold() for name in limit} if limit is not None else None
    unwanted = {name.casefold() for name in skip}
    chosen = tuple(
        server
        for server in everything
        if (wanted is None or server.name.casefold() in wanted) and server.name.casefold() not in unwanted
    )
    _refuse_empty(chosen, config)
    _refuse_many(chosen, config.run.max_servers, may_exceed_cap)
    return chosen


def back_ends(config: Config) -> tuple[Server, ...]:
    """Every Exchange 2003 server of the configuration, by priority and then by name."""
    return tuple(sorted((_back_end(entry, config) for entry in config.servers), key=in_order))


def in_order(server: Server) -> tuple[int, str]:
    """The order in which servers are gone through: by priority, and then by name."""
    return server.priority, server.name.casefold()


def proxies(config: Config) -> tuple[Server, ...]:
    """Every Client Access server of the configuration, by name."""
    every = [_proxy(entry, config) for entry in config.proxies]
    return tuple(sorted(every, key=lambda server: server.name.casefold()))


def proxies_of(server: Server, config: Config) -> tuple[Server, ...]:
    """The Client Access servers that lead to this back-end."""
    names = {name.casefold() for name in server.proxies}
    return tuple(proxy for proxy in proxies(config) if proxy.name.casefold() in names)


def _back_end(entry: ServerEntry, config: Config) -> Server:
    leading = entry.proxies if entry.proxies is not None else tuple(proxy.name for proxy in config.proxies)
    return Server(
        name=entry.name,
        fqdn=entry.fqdn or entry.name,
        address=entry.address or entry.fqdn or entry.name,
        winrm=_winrm(entry, config),
        http_port=entry.http.port,
        credentials=entry.credentials,
        test_user=entry.test_user,
        proxies=leading,
        allowed=_allowed(entry, config),
        priority=entry.priority,
    )


def _proxy(entry: ProxyEntry, config: Config) -> Server:
    return Server(
        name=entry.name,
        fqdn=entry.fqdn or entry.name,
        address=entry.address or entry.fqdn or entry.name,
        role=Role.PROXY,
        winrm=_winrm(entry, config),
        https=Https(entry.https.port, entry.https.ca),
        credentials=entry.credentials,
        version=entry.version,
    )


def _winrm(entry: ServerEntry | ProxyEntry, config: Config) -> Winrm:
    own = entry.winrm
    scheme = own.scheme or config.winrm.scheme
    sets = {name.casefold(): credential for name, credential in config.credentials.items()}
    return Winrm(
        scheme=scheme,
        port=own.port or (config.winrm.port if scheme == config.winrm.scheme else None) or _WINRM_PORTS[scheme],
        ca=own.ca if own.ca is not None else config.winrm.ca,
        auth=own.auth or sets[entry.credentials.casefold()].auth,
        way=entry.transport or config.transport,
    )


def _allowed(entry: ServerEntry, config: Config) -> frozenset[Guard]:
    """A guard that the server does not name is as the configuration says for all."""
    for_all = config.guards.model_dump()
    here = entry.guards.model_dump(exclude_none=True)
    return frozenset(guard for guard in Guard if {**for_all, **here}[guard.value])


def _refuse_unknown(names: Iterable[str], known: Sequence[str]) -> None:
    lower = {name.casefold() for name in known}
    for name in names:
        if name.casefold() not in lower:
            meant = nearest(name, known)
            hint = f"did you mean {' or '.join(meant)}?" if meant else "easfix config check lists the servers"
            raise UnknownName(f"there is no server {name} in the configuration", meant=meant, next_step=hint)


def _refuse_empty(chosen: Sequence[Server], config: Config) -> None:
    if not config.servers:
        raise EmptySelection("the configuration names no servers", next_step="put them under servers")
    if not chosen:
        raise EmptySelection("no server is left to work on", next_step="look at --limit and --skip; empty is not all")


def _refuse_many(chosen: Sequence[Server], most: int, may_exceed_cap: bool) -> None:
    if len(chosen) > most and not may_exceed_cap:
        raise Capped(
            f"{len(chosen)} servers are more than run.max_servers allows ({most})",
            next_step="name fewer with --limit, or raise run.max_servers",
        )
