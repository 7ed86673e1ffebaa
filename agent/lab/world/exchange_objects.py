"""Owns what Exchange writes into AD: servers, virtual servers, directories, computers. domain 3.5, 7"""

from __future__ import annotations

from agent.lab.world.forest import Forest
from agent.lab.world.ldap_filter import Value
from agent.lab.world.system import ExchangeInfo

CLIENT_ACCESS = 4  # msExchCurrentServerRoles. domain 7.2
_HUB_TRANSPORT = 32  # msExchCurrentServerRoles [bg]
_FRONT_END = 1  # msExchServerRole. domain 7.2 [bg]
_RC4 = 4  # msDS-SupportedEncryptionTypes of a Server 2003. domain 6.4
# Authentication of each directory of the default virtual server: what the metabase of a fresh machine says too.
_DIRECTORIES = {"Exchange": 6, "Public": 6, "Exadmin": 4, "Microsoft-Server-ActiveSync": 6, "OMA": 2}


def add_exchange_2003(forest: Forest, name: str, exchange: ExchangeInfo, *, is_front_end: bool) -> None:
    """The objects of an Exchange 2003 server with its default virtual server."""
    roles: dict[str, Value] = {"msExchServerRole": _FRONT_END} if is_front_end else {}
    _add_server(forest, name, exchange, roles)
    server = forest.virtual_server_dn(name, 1)
    forest.directory.add(
        server, "msExchProtocolCfgHTTPServer", displayName="Exchange Virtual Server", msExchServerBindings=":80:"
    )
    for directory, auth in _DIRECTORIES.items():
        _add_directory(forest, name, 1, directory, auth, 0)
    _add_computer(forest, name, "Windows Server 2003", **{"msDS-SupportedEncryptionTypes": _RC4})


def add_client_access(forest: Forest, name: str, exchange: ExchangeInfo) -> None:
    """The object of an Exchange 2007 or 2010 server with the Client Access role."""
    _add_server(forest, name, exchange, {"msExchCurrentServerRoles": CLIENT_ACCESS | _HUB_TRANSPORT})
    _add_computer(forest, name, "Windows Server 2008")


def add_virtual_server(forest: Forest, name: str, number: int, comment: str, ssl_flags: int) -> None:
    """A further HTTP virtual server with an ActiveSync directory. domain 3.3"""
    forest.directory.add(forest.virtual_server_dn(name, number), "msExchProtocolCfgHTTPServer", displayName=comment)
    _add_directory(
        forest, name, number, "Microsoft-Server-ActiveSync", _DIRECTORIES["Microsoft-Server-ActiveSync"], ssl_flags
    )


def _add_server(forest: Forest, name: str, exchange: ExchangeInfo, roles: dict[str, Value]) -> None:
    fqdn = f"{name.lower()}.{forest.dns}"
    group = exchange.admin_group
    forest.directory.add(
        forest.server_dn(name, group),
        "server",
        "msExchExchangeServer",
        serialNumber=exchange.serial_number,
        versionNumber=exchange.version_number,
        networkAddress=(f"ncacn_ip_tcp:{fqdn}", f"netbios:{name}"),
        legacyExchangeDN=f"/o={forest.organization}/ou={group}/cn=Configuration/cn=Servers/cn={name}",
        **roles,
    )


def _add_directory(forest: Forest, name: str, number: int, directory: str, auth: int, ssl_flags: int) -> None:
    forest.directory.add(
        forest.directory_dn(name, directory, number),
        "msExchProtocolCfgHTTPVirtualDirectory",
        msExchAuthenticationFlags=auth,
        msExchAccessSSLFlags=ssl_flags,
    )


def _add_computer(forest: Forest, name: str, system: str, **more: Value) -> None:
    fqdn = f"{name.lower()}.{forest.dns}"
    names = tuple(f"{kind}/{host}" for kind in ("HOST", "HTTP") for host in (name, fqdn))
    forest.directory.add(
        f"CN={name},CN=Computers,{forest.directory.domain_dn}",
        "person",
        "user",
        "computer",
        sAMAccountName=f"{name}$",
        dNSHostName=fqdn,
        operatingSystem=system,
        servicePrincipalName=names,
        **more,
    )
