"""Owns which logon will be used at a server, and whether this machine can do it; nobody is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from agent.doctor.ability import Abilities
from agent.doctor.check import Check, Grade, bad, good, warn
from agent.doctor.kerberos import Kerberos, Ticket
from agent.model import Auth, Role, Server

RC4_MEND = (
    "Put arcfour-hmac into permitted_enctypes of krb5.conf, with allow_rc4 = true from MIT krb5 1.21 on; domain "
    "controllers patched since November 2022 may also need msDS-SupportedEncryptionTypes = 4 on the computer account. "
    "Or use auth: ntlm."
)  # domain 6.4
NTLM_MEND = "Use a Python whose OpenSSL is not in FIPS mode, and leave CRYPTOGRAPHY_OPENSSL_NO_LEGACY unset."
KERBEROS_MEND = "Install easfix[kerberos], which needs gcc and the krb5 headers, or use auth: ntlm with a password."


class Way:
    """How the logon at one server goes: the same choice that the transport makes off Windows (transport/logon)."""

    def __init__(self, server: Server, username: str, has_password: bool, abilities: Abilities) -> None:
        self.server = server
        self.username = username
        self.has_password = has_password
        self.abilities = abilities
        self.is_principal = not username or "@" in username
        auth = server.winrm.auth
        self.tries_kerberos = auth is Auth.KERBEROS or (auth is Auth.NEGOTIATE and self.is_principal)
        self.tries_ntlm = auth is Auth.NTLM or (auth is Auth.NEGOTIATE and has_password)

    @property
    def words(self) -> str:
        """The logon in words."""
        who = self.username or "the account of the ticket"
        match self.tries_kerberos, self.tries_ntlm:
            case True, True:
                return f"Kerberos as {who}, and NTLM where no ticket can be had"
            case True, False:
                return f"Kerberos as {who}"
            case False, True:
                return f"NTLM as {who}"
        return f"no logon at all as {who}"


def checks(way: Way, now: datetime) -> Iterator[Check]:
    """What can be said of the logon before trying it."""
    if way.abilities.is_windows:
        yield good("authentication", f"Windows logs on: {way.server.winrm.auth}")
        return
    yield _authentication(way, now)
    if way.tries_kerberos and not way.abilities.kerberos.missing and way.server.role is Role.BACK_END:
        yield _encryption(way)


def _authentication(way: Way, now: datetime) -> Check:
    kerberos, ntlm = _no_kerberos(way, now), _no_ntlm(way)
    if way.tries_kerberos and not kerberos:
        return good("authentication", way.words)
    if way.tries_ntlm and not ntlm:
        if not way.tries_kerberos:
            return good("authentication", way.words)
        evidence = f"NTLM only: Kerberos cannot be used, because {kerberos}"
        return warn("authentication", evidence, f"{_mend_kerberos(way)} Nothing needs mending where NTLM is allowed.")
    if way.tries_kerberos:
        return bad("authentication", f"{way.words}, but {kerberos}{_and(way, ntlm)}", _mend_kerberos(way))
    if way.tries_ntlm:
        return bad("authentication", f"{way.words}, but {ntlm}", NTLM_MEND)
    return bad("authentication", f"{way.words}: NTLM needs a password", _WHERE_PASSWORDS)


_WHERE_PASSWORDS = "Add one of password_env, password_file, keyring or prompt to the credential set."


def _no_kerberos(way: Way, now: datetime) -> str:
    """Why Kerberos would not get as far as the server; empty where it would."""
    found = way.abilities.kerberos
    if found.missing:
        return found.missing
    if way.username and "@" not in way.username:
        return f"{way.username} is no name for it: that is user@REALM"
    if not way.has_password:
        return _no_ticket(found, way.username, now)
    return "" if found.files else "there is no krb5.conf here"


def _no_ticket(found: Kerberos, username: str, now: datetime) -> str:
    ticket = found.ticket
    if ticket is None:
        return f"there is no ticket in {found.cache}"
    if ticket.ends_at is None:
        return f"{found.cache} holds no ticket-granting ticket"
    if ticket.ends_at <= now:
        return f"the ticket of {ticket.principal} ended at {ticket.ends_at:%Y-%m-%d %H:%M} UTC"
    if username and not _is_same(ticket, username):
        return f"the ticket is of {ticket.principal}, not of {username}"
    return ""


def _is_same(ticket: Ticket, username: str) -> bool:
    return ticket.principal.casefold() == username.casefold()


def _no_ntlm(way: Way) -> str:
    return way.abilities.ntlm_missing


def _and(way: Way, ntlm: str) -> str:
    return f"; and NTLM cannot be used either, because {ntlm}" if way.tries_ntlm and ntlm else ""


def _mend_kerberos(way: Way) -> str:
    if way.abilities.kerberos.missing:
        return KERBEROS_MEND
    if way.username and "@" not in way.username:
        return "Write the user name as user@REALM, or use auth: ntlm."
    if not way.has_password:
        return f"Run kinit {way.username}".rstrip() + ", or give the credential set a password."
    return "Put the domain into krb5.conf, or use auth: ntlm."


def _encryption(way: Way) -> Check:
    """A Server 2003 has RC4 only (domain 6.4)."""
    name = "kerberos-encryption"
    found = way.abilities.kerberos
    if found.permits_rc4 is None:
        evidence = "this Kerberos library does not tell which encryption types it permits; a Server 2003 needs RC4"
        return Check(name, Grade.WARN, evidence, RC4_MEND)
    types = ", ".join(_NAMES.get(each, str(each)) for each in found.permitted or ())
    said = f"permitted are {types}; allow_rc4 is {'on' if found.allows_rc4 else 'off'}"
    if found.permits_rc4 and found.allows_rc4:
        return good(name, said)
    if found.permits_rc4:
        # MIT keeps RC4 among the defaults so far; krb5.conf(5) of 1.21 announces that allow_rc4 will decide.
        return warn(name, f"{said}: enough for this library, a later one will want it on", RC4_MEND)
    evidence = f"RC4 is missing, and a Server 2003 has nothing else: {said}"
    if way.tries_ntlm and not way.abilities.ntlm_missing:
        return warn(name, f"{evidence}; NTLM stands in where no ticket can be had", RC4_MEND)
    return bad(name, evidence, RC4_MEND)


_NAMES = {
    16: "des3-cbc-sha1",
    17: "aes128-cts",
    18: "aes256-cts",
    19: "aes128-sha2",
    20: "aes256-sha2",
    23: "arcfour-hmac",
    25: "camellia128-cts",
    26: "camellia256-cts",
}
"""Kerberos encryption type numbers, IANA registry."""
