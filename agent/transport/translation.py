"""Owns the one table that turns what went wrong on the way to a server into our errors; the first that fits wins."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from agent import errors
from agent.transport.faults import Fault, Stage
from agent.transport.gate import Blame


@dataclass(frozen=True, slots=True)
class Row:
    """When it fits, which error it is, what to say, what to do next, and what it says about the account."""

    fits: Callable[[Fault], bool]
    error: type[errors.ServerError]
    message: str
    next_step: str = ""
    blame: Blame = Blame.NONE


def translate(server: str, fault: Fault) -> errors.ServerError:
    """Our error for it."""
    row = _row(fault)
    return row.error(server, row.message.format_map(_Said(fault)), row.next_step)


def blame(fault: Fault) -> Blame:
    """What it says about the account that logged on."""
    return _row(fault).blame


def lacks_remoting(fault: Fault) -> bool:
    """It says that PowerShell remoting is not enabled; nothing else is a reason to try another way."""
    return fault.stage is Stage.OPENING and _NO_RESOURCE(fault)


def _row(fault: Fault) -> Row:
    return next(row for row in TABLE if row.fits(fault))


class _Said(dict[str, object]):
    """What a message may name; braces in a server's text stay as they are."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(text=fault.text, status=fault.status, code=fault.code)


# --- what fits -------------------------------------------------------------------------------------------------------


def _named(*names: str) -> Callable[[Fault], bool]:
    return lambda fault: fault.is_any(*names)


def _at(stage: Stage, fits: Callable[[Fault], bool]) -> Callable[[Fault], bool]:
    return lambda fault: fault.stage is stage and fits(fault)


def _code(*codes: int) -> Callable[[Fault], bool]:
    return lambda fault: fault.code in codes


def _status(*statuses: int) -> Callable[[Fault], bool]:
    return lambda fault: fault.status in statuses


def _logon(*codes: int) -> Callable[[Fault], bool]:
    # Later the same classes of error mean that an answer could not be unsealed.
    return lambda fault: fault.stage is Stage.OPENING and fault.logon_code in codes


def _always(_: Fault) -> bool:
    return True


_OPENING, _SENDING, _RUNNING = Stage.OPENING, Stage.SENDING, Stage.RUNNING

# krb5_err.et of MIT krb5, and SEC_E_* of winerror.h.
_WRONG_PASSWORD = _logon(-1765328360, -1765328353, -2146893044)  # PREAUTH_FAILED, BAD_INTEGRITY, LOGON_DENIED
_UNKNOWN_USER = _logon(-1765328378)  # C_PRINCIPAL_UNKNOWN
_LOCKED = _logon(-1765328366)  # CLIENT_REVOKED: locked, disabled or outside the logon hours
_EXPIRED = _logon(-1765328361, -1765328383)  # KEY_EXP, NAME_EXP
_SKEW = _logon(-1765328347, -1765328351, -2146893020)  # AP_ERR_SKEW, AP_ERR_TKT_NYV, SEC_E_TIME_SKEW
_NO_SPN = _logon(-1765328377, -2146893053)  # S_PRINCIPAL_UNKNOWN, SEC_E_TARGET_UNKNOWN
_WRONG_KEY = _logon(-1765328343, -2146893022)  # AP_ERR_MODIFIED, SEC_E_WRONG_PRINCIPAL
_NO_KEY = _logon(-1765328340, -1765328339, -1765328349)  # AP_ERR_BADKEYVER, AP_ERR_NOKEY, AP_ERR_NOT_US
_NO_ETYPE = _logon(-1765328370, -2146892991)  # ETYPE_NOSUPP, SEC_E_KDC_UNKNOWN_ETYPE (domain 6.4: RC4 only)
_NO_KDC = _logon(-1765328228, -1765328230, -1765328164, -2146893039)  # KDC_UNREACH, REALM_UNKNOWN, ..CANT_RESOLVE
_NO_TICKET = _logon(-1765328189, -1765328243, -1765328352, -2146893042)  # FCC_NOFILE, CC_NOTFOUND, TKT_EXPIRED

# wsmerror.h; 2150858752 and 2150858811 are what a server says that has no session configuration for PowerShell.
_ACCESS_DENIED = _code(5)
_NO_RESOURCE = _code(2150858752, 2150858811)
_QUOTA = _code(2150859173, 2150859174)  # shells of the user, operations of the user or shell
_NO_SHELL = _code(2150858843)
_TIMED_OUT = _code(2150858793)
_ENVELOPE = _code(2150858824)

_CHECK_ACCOUNT = "Check the user name and the password. It was tried once and is not tried again, to lock nothing."
LOOK = "Look at the server again before doing anything: the script may have done some or all of its work."

TABLE: tuple[Row, ...] = (
    # Our own brakes on the wire.
    Row(
        _at(_OPENING, _named("Lost")),
        errors.Unreachable,
        "no session was opened: {text}",
        "Check the port in the configuration, and the WinRM service of the server.",
    ),
    Row(_at(_SENDING, _named("Lost")), errors.Unreachable, "the server had closed the connection; nothing was sent"),
    Row(_named("Lost"), errors.BrokenOff, "the server closed the connection", LOOK),
    Row(_named("Oversized"), errors.BadAnswer, "{text}", "Look at what the script writes, and at the server."),
    Row(_at(_OPENING, _named("Overdue")), errors.Unreachable, "no session within the time: {text}"),
    Row(_named("Overdue"), errors.TimedOut, "{text}", LOOK),
    Row(
        _named("Unsealed"),
        errors.BadAnswer,
        "the answer was not encrypted, so it need not be the server's",
        "Somebody may be between here and the server; find out before going on.",
    ),
    Row(
        _named("Weakened"),
        errors.BadAnswer,
        "the logon that was offered does not protect what is sent: {text}",
        "Somebody may be between here and the server; find out before going on. A server that forbids NTLM's session "
        "security of 128 bits would look the same.",
    ),
    # Logons that the domain refused: certain, and for every server.
    Row(_WRONG_PASSWORD, errors.Denied, "the domain refused the password", _CHECK_ACCOUNT, Blame.CERTAINLY),
    Row(
        _UNKNOWN_USER,
        errors.Denied,
        "the domain does not know the user",
        "Check the user name; for Kerberos it is user@REALM.",
        Blame.CERTAINLY,
    ),
    Row(
        _LOCKED,
        errors.Denied,
        "the account is locked, disabled, or outside its logon hours",
        "Have the account unlocked, or use another.",
        Blame.CERTAINLY,
    ),
    Row(_EXPIRED, errors.Denied, "the password has expired", "Change the password, then try again.", Blame.CERTAINLY),
    # Kerberos, without a word on the account.
    Row(
        _SKEW,
        errors.Denied,
        "the clocks differ by more than Kerberos allows (5 minutes)",
        "Set the clock of this machine, the server and the domain controller by the same source.",
    ),
    Row(
        _NO_SPN,
        errors.Denied,
        "the domain knows no service by the name of this server (missing SPN)",
        "Check `fqdn` of the server in the configuration, and `setspn -L` of its computer account for HTTP or HOST.",
    ),
    Row(
        _WRONG_KEY,
        errors.Denied,
        "the server could not read the Kerberos ticket: its service name belongs to another account",
        "Look for a duplicate HTTP service name with `setspn -X`, and check `fqdn` in the configuration.",
    ),
    Row(
        _NO_KEY,
        errors.Denied,
        "the server has no key for the Kerberos ticket: the domain used another encryption type or another key",
        "Set msDS-SupportedEncryptionTypes = 4 on the computer account of a Server 2003, look for a duplicate HTTP "
        "service name with `setspn -X`, or use auth: ntlm.",  # domain 6.4
    ),
    Row(
        _NO_ETYPE,
        errors.Denied,
        "no common Kerberos encryption: a Server 2003 has RC4 only",
        "Allow arcfour-hmac in krb5.conf (permitted_enctypes, allow_rc4), set msDS-SupportedEncryptionTypes = 4 on "
        "the computer account, or use auth: ntlm.",  # domain 6.4
    ),
    Row(
        _NO_KDC,
        errors.Denied,
        "no domain controller (KDC) could be reached: {text}",
        "Check krb5.conf and the network, or use auth: ntlm.",
    ),
    Row(_NO_TICKET, errors.Denied, "there is no valid Kerberos ticket", "Run kinit, or give user and password."),
    Row(
        _at(_OPENING, _named("NoKerberos")),
        errors.Denied,
        "Kerberos is not available on this machine: {text}",
        "Install easfix[kerberos], or use auth: ntlm.",
    ),
    Row(
        _at(_OPENING, _named("TicketRefused")),
        errors.Denied,
        "the domain accepted the account, but the server refused the Kerberos ticket",
        "Compare the server's clock with the domain controller's (Kerberos allows 5 minutes), and look for a duplicate "
        "HTTP service name with `setspn -X`; or use auth: ntlm.",
    ),
    Row(
        _at(_OPENING, _named("NoNegotiate")),
        errors.Denied,
        "{text}",
        "Enable Negotiate on the WinRM service of the server.",
    ),
    Row(
        _at(_OPENING, _named("SpnegoError", "Krb5Error", "GSSError")),
        errors.Denied,
        "the logon failed: {text}",
        _CHECK_ACCOUNT,
    ),
    # What the server says in HTTP.
    Row(
        _at(_OPENING, _status(401)),
        errors.Denied,
        "the server refused the logon",
        _CHECK_ACCOUNT + " The account may also be locked or expired, or the server may not reach its domain.",
        Blame.PERHAPS,
    ),
    # Without its session the server cannot seal, so anybody may have said this: it is no proof that nothing ran.
    Row(_status(400, 401), errors.BrokenOff, "the server no longer knew the session (HTTP {status})", LOOK),
    Row(
        _at(_OPENING, _status(404, 405)),
        errors.Unsupported,
        "there is no WinRM service at this port (HTTP {status})",
        "Check the port in the configuration; an upgraded listener may have kept port 80.",
    ),  # domain 6.1
    Row(
        _at(_OPENING, _status(403)),
        errors.Denied,
        "the server refused the request (HTTP 403)",
        "Look at the WinRM service's address filter, and at what stands between here and the server.",
    ),
    Row(
        _at(_OPENING, _status(503)),
        errors.Unreachable,
        "the WinRM service does not answer (HTTP 503)",
        "Start the WinRM service on the server.",
    ),
    Row(
        _at(_OPENING, lambda fault: fault.status is not None and fault.code is None),
        errors.Unsupported,
        "the server answered with HTTP {status}, which is no WinRM",
        "Check the address and the port.",
    ),
    # What the server says in WS-Management.
    Row(
        _at(_OPENING, _ACCESS_DENIED),
        errors.Denied,
        "the logon worked, but the account may not open a session",
        "Use an account that is an administrator of the server.",
    ),
    Row(
        _at(_OPENING, _NO_RESOURCE),
        errors.Unsupported,
        "PowerShell remoting is not enabled on the server",
        "Run Enable-PSRemoting on the server, or leave `way` at auto to use the WinRM shell.",
    ),
    Row(
        lambda fault: fault.stage is not _RUNNING and _QUOTA(fault),
        errors.Busy,
        "the server refused: {text}",
        "Wait: sessions of a process that was killed, easfix's own too, end by themselves after three minutes without "
        "use; or close those of other tools on the server.",
    ),  # domain 6.1
    Row(_at(_SENDING, _NO_SHELL), errors.Unreachable, "the session on the server was gone; the script was not read"),
    Row(_ENVELOPE, errors.BadAnswer, "the answer does not fit the server's envelope: {text}", LOOK),
    Row(_at(_OPENING, _TIMED_OUT), errors.Unreachable, "the server did not open a session within the time"),
    Row(_TIMED_OUT, errors.TimedOut, "the server did not answer within the time", LOOK),
    Row(
        _at(_OPENING, _named("WSManFaultError")),
        errors.Unsupported,
        "the server will not open a session: {text}",
        "Look up the fault, and the WinRM configuration of the server.",
    ),
    Row(_named("WSManFaultError"), errors.BrokenOff, "the server ended the session: {text}", LOOK),
    # What the fallback's powershell.exe, or the pipeline, made of it.
    Row(_named("NoPowerShell"), errors.Unsupported, "{text}", "Install KB968930 (PowerShell 2.0 and WinRM 2.0)."),
    Row(_named("Incomplete", "StoppedError"), errors.BrokenOff, "the script did not end by itself: {text}", LOOK),
    # The network.
    Row(
        lambda fault: fault.is_any("SSLError", "SSLCertVerificationError"),
        errors.Unsupported,
        "no trusted TLS connection: {text}",
        "Give the certificate's authority as `ca`. A Server 2003 speaks no TLS that a current OpenSSL accepts: use "
        "http, whose messages are encrypted.",  # domain 6.2
    ),
    Row(
        _named("NameResolutionError", "gaierror"),
        errors.Unreachable,
        "the name cannot be resolved: {text}",
        "Check `address` in the configuration and the DNS.",
    ),
    Row(
        _at(_OPENING, _named("ConnectionRefusedError")),
        errors.Unreachable,
        "connection refused",
        "Check that the WinRM service runs and listens on this port (winrm enumerate winrm/config/listener).",
    ),
    Row(
        _at(_OPENING, _named("ConnectTimeout")),
        errors.Unreachable,
        "no connection within the time",
        "Check that the server is up and that no firewall blocks the port.",
    ),
    Row(
        _at(_OPENING, _named("ReadTimeout", "ReadTimeoutError", "TimeoutError")),
        errors.Unreachable,
        "connected, but no answer within the time",
        "See whether the WinRM service on the server hangs.",
    ),
    Row(_named("ReadTimeout", "ReadTimeoutError", "TimeoutError"), errors.TimedOut, "no answer within the time", LOOK),
    Row(
        _named("TooManyRedirects", "Elsewhere"),
        errors.BadAnswer,
        "the server sent us elsewhere, which WinRM never does",
        "Check the address and the port.",
    ),
    Row(
        _at(_OPENING, _named("RequestException", "HTTPError", "OSError")),
        errors.Unreachable,
        "the connection failed: {text}",
        "Check that the server is up and reachable.",
    ),
    Row(_named("RequestException", "HTTPError", "OSError"), errors.BrokenOff, "the connection broke: {text}", LOOK),
    # Answers that make no sense.
    Row(_always, errors.BadAnswer, "the answer makes no sense: {text}", "See what answers at this address and port."),
)
"""Everything that can go wrong on the way to a server, and what it means."""
