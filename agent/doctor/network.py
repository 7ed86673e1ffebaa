"""Owns what the network shows before any logon: names, ports, and the TLS of a proxy's web site."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from agent.doctor.ability import Tls
from agent.doctor.check import Check, Grade, bad, good, unknown, warn
from agent.model import Auth, Https, Role, Server

Resolve = Callable[[str], tuple[str, ...]]
"""The addresses of a name, none where it has none; TimeoutError where nobody answered in time."""

Knock = Callable[[str, int], None]
"""Opens a TCP connection and closes it again; raises OSError."""

Shake = Callable[[str, Https, str], str]
"""Makes a TLS connection to an address, for a name; the protocol in words. Raises OSError, ssl.SSLError among them."""

DNS_MEND = "Put the name into DNS, or correct `fqdn` and `address` in the configuration."
PORT = {
    "winrm": "Start the WinRM service and check its listener (winrm enumerate winrm/config/listener) and the "
    "firewalls between; an upgraded listener may have kept port 80.",  # domain 6.1
    "http": "Start the web site, check its bindings, and let port 80 through from here and from each proxy.",
    "https": "Start the web site of the proxy, check its bindings, and let the port through.",
}


@dataclass(frozen=True, slots=True)
class Network:
    """The ways out of this machine, injected so that a test needs none."""

    resolve: Resolve
    knock: Knock
    shake: Shake


def checks(server: Server, network: Network, tls: Tls) -> Iterator[Check]:
    """Everything that needs no logon; each port is tried once."""
    yield from _names(server, network.resolve)
    yield _port(server, "winrm", server.winrm.port, network.knock)
    if server.role is Role.PROXY:
        https = server.https or Https()
        found = _port(server, "https", https.port, network.knock)
        yield found
        if found.verdict is Grade.GOOD:
            yield _handshake(server, https, network.shake)
    else:
        yield _port(server, "http", server.http_port, network.knock)
    if server.winrm.scheme == "https":
        yield _openssl(server, tls)


def is_open(found: tuple[Check, ...]) -> bool:
    """The WinRM port answered, so that a visit makes sense."""
    return any(check.name == "port-winrm" and check.verdict is Grade.GOOD for check in found)


# --- names -----------------------------------------------------------------------------------------------------------


def _names(server: Server, resolve: Resolve) -> Iterator[Check]:
    is_one = server.address.casefold() == server.fqdn.casefold()
    address = _found("name" if is_one else "address", server.address, resolve)
    if is_one:
        yield address if isinstance(address, Check) else good("name", _leads(server.fqdn, address))
        return
    yield address if isinstance(address, Check) else good("address", _leads(server.address, address))
    yield _full_name(server, address, _found("name", server.fqdn, resolve))


def _found(name: str, host: str, resolve: Resolve) -> tuple[str, ...] | Check:
    try:
        return (str(ipaddress.ip_address(host)),)
    except ValueError:
        pass
    try:
        found = resolve(host)
    except TimeoutError:
        return unknown(name, f"no name server answered for {host} in time", "See which name server this machine uses.")
    return found or bad(name, f"{host} does not resolve", DNS_MEND)


def _full_name(server: Server, address: tuple[str, ...] | Check, name: tuple[str, ...] | Check) -> Check:
    """The full name is not what easfix connects to, but Kerberos asks for a ticket by it."""
    if isinstance(name, Check):
        if server.winrm.auth is Auth.NTLM:
            return good("name", f"{server.fqdn} does not resolve here; not needed: NTLM to {server.address}")
        evidence = f"{name.evidence}; easfix connects to {server.address}, but Kerberos wants the full name"
        return warn("name", evidence, DNS_MEND)
    if not isinstance(address, Check) and not set(address) & set(name):
        evidence = f"{_leads(server.fqdn, name)}, but `address` to {', '.join(address)}"
        return warn("name", evidence, "See that both lead to the same server.")
    return good("name", _leads(server.fqdn, name))


def _leads(host: str, addresses: tuple[str, ...]) -> str:
    return f"{host} needs no resolution" if addresses == (host,) else f"{host} leads to {', '.join(addresses)}"


# --- ports -----------------------------------------------------------------------------------------------------------


def _port(server: Server, what: str, port: int, knock: Knock) -> Check:
    try:
        knock(server.address, port)
    except OSError as error:
        return bad(f"port-{what}", f"{server.address}:{port}: {_why(error)}", PORT[what])
    return good(f"port-{what}", f"{server.address}:{port} answers")


def _why(error: OSError) -> str:
    match error:
        case ConnectionRefusedError():
            return "connection refused"
        case TimeoutError():
            return "no connection within the time"
        case socket.gaierror():
            return "the name does not resolve"
    return error.strerror or str(error)


# --- TLS -------------------------------------------------------------------------------------------------------------


def _handshake(server: Server, https: Https, shake: Shake) -> Check:
    """Phones, and the proof from end to end, need a certificate that is trusted and a protocol in common."""
    try:
        return good("https", shake(server.address, https, server.fqdn))
    except ssl.SSLCertVerificationError as error:
        mend = "Give the certificate's authority as https.ca of the proxy, or have a certificate for this name issued."
        return bad("https", f"the certificate is not trusted: {error.verify_message}", mend)
    except OSError as error:
        mend = "Enable TLS 1.2 on the proxy; a current OpenSSL refuses anything older."  # domain 6.2
        return bad("https", f"no TLS with {server.fqdn}: {_why(error)}", mend)


def _openssl(server: Server, tls: Tls) -> Check:
    """WinRM over HTTPS: to a Server 2003 it needs what a current OpenSSL no longer has (domain 6.2)."""
    said = (
        f"{tls.version} speaks {tls.lowest} and newer; of the old suites it has {', '.join(tls.old_suites) or 'none'}"
    )
    if server.role is Role.BACK_END and not tls.reaches_2003:
        evidence = f"winrm.scheme is https, and a Server 2003 has only TLS 1.0 with RC4, 3DES or AES-SHA; {said}"
        return warn("openssl", evidence, "Use scheme: http, whose messages are encrypted by Kerberos or NTLM.")
    return good("openssl", said)
