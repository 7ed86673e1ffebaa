"""Owns the one table of causes: what keeps phones out, what it means, what to do; and which evidence speaks for which.

`agent/decoder.py` ranks them. The stage is how far a request gets on its way: proxy, network, site, logon, mailbox.
Where a fact comes from stands in the domain reference: 1.6 events, 2.9 the 403s, 4.1 /Exchange, 6.4 Kerberos.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum


class Stage(IntEnum):
    """How far a phone's request gets before this stops it."""

    HERE = 0  # between this machine and the proxy: says nothing about phones
    PROXY = 1
    NETWORK = 2
    SITE = 3
    LOGON = 4
    MAILBOX = 5


@dataclass(frozen=True, slots=True)
class Cause:
    """One row of the table."""

    name: str
    stage: Stage
    meaning: str
    next_step: str
    article: str = ""
    tells_apart: str = ""


S = Stage
# name | stage | meaning | next action | article | what would tell it apart
TABLE: tuple[Cause, ...] = (
    Cause("proxy-not-reached", S.HERE, "This machine gets no answer from the proxy.",
          "Check name, port 443 and firewall between here and the proxy; phones may have the same trouble.", "",
          "Ask from another machine."),
    Cause("proxy-certificate", S.HERE, "The proxy's certificate cannot be verified here.",
          "Name its authority in https.ca of the proxy, or renew the certificate; phones refuse it too.", "",
          "Open the proxy's address in a browser and look at the certificate."),
    Cause("proxy-tls", S.HERE, "No secure channel with the proxy: it offers nothing newer than TLS 1.1.",
          "Enable TLS 1.2 in Schannel of the proxy, as a server; Windows Server 2008 needs an update for it.", "",
          "openssl s_client -connect PROXY:443"),
    Cause("password-wrong", S.HERE, "The test user's password is wrong or expired, or the account is locked.",
          "Correct the password of the test user; it was not tried again, to lock nothing.", "",
          "Log on as the test user in Outlook Web Access."),
    Cause("proxy-basic-missing", S.HERE, "The proxy's ActiveSync directory does not offer Basic, which phones need.",
          "Enable Basic authentication on the proxy's Microsoft-Server-ActiveSync.", ""),
    Cause("mailbox-elsewhere", S.HERE, "The test user's mailbox is not on this server.",
          "Configure a test user whose mailbox is on this server.", "", "Get-Mailbox shows the server."),
    Cause("policy-required", S.HERE, "ActiveSync answers, and wants the device to take a policy first (HTTP 449).",
          "Exempt the test user from the device security settings in Exchange System Manager: easfix takes no policy.",
          "MS-OXPROTO 2.5.14.5", "A phone that has the policy synchronises."),
    Cause("proxy-down", S.PROXY, "The web service of the proxy is not running.",
          "Start the World Wide Web Publishing Service on the proxy."),
    Cause("block-legacy", S.PROXY, "BlockLegacyMailboxes is set on the proxy: it refuses every Exchange 2003 mailbox.",
          "Set BlockLegacyMailboxes to false in ClientAccess\\Sync\\web.config of the proxy (event 1030).", "",
          "Event 1030 on the proxy, or its web.config."),
    Cause("proxy-broken", S.PROXY, "The proxy itself answers with something that is not ActiveSync.",
          "Look at the application pool MSExchangeSyncAppPool and the Application log of the proxy.", "",
          "The same question for a mailbox on the proxy's own version."),
    Cause("user-redirected", S.PROXY, "The mailbox server redirected /exchange: the proxy holds the user for locked.",
          "Remove the redirect from /Exchange on the mailbox server.", "", "Event 1037 on the proxy."),
    Cause("user-not-enabled", S.MAILBOX, "The test user may not use ActiveSync.",
          "Enable ActiveSync (user-initiated synchronization) for the user.", "",
          "The user's Exchange Features in Active Directory Users and Computers."),
    Cause("server-down", S.NETWORK, "Nothing answers on the mailbox server, WinRM neither.",
          "Start the server, or mend its network; what else is wrong there cannot be seen until then.", "",
          "Ping it, or look at its console."),
    Cause("name-not-resolved", S.NETWORK, "The mailbox server's name cannot be resolved.",
          "Mend the server's record in the DNS that the proxy asks.", "", "nslookup of the name on the proxy."),
    Cause("service-stopped", S.NETWORK, "The World Wide Web Publishing Service of the mailbox server is stopped.",
          "Find out why it stopped, and start it.", "KB907857", "sc query W3SVC on the server."),
    Cause("site-stopped", S.NETWORK, "The web site that holds the directory is stopped.",
          "Start the site in IIS Manager, and look in the System log for why it stopped.", "",
          "IIS Manager on the server."),
    Cause("port-80-not-bound", S.NETWORK, "No web site with the directory listens on port 80.",
          "Add a binding for port 80: the proxy uses no other.", "", "netstat -an on the server."),
    Cause("port-filtered", S.NETWORK, "Port 80 of the mailbox server does not answer: a firewall, or too much load.",
          "Let the proxy through to port 80, in both directions.", "", "telnet SERVER 80 on the proxy."),
    Cause("proxy-trust", S.NETWORK, "The proxy addresses the mailbox server by https and does not trust it.",
          "Remove the https URL of the mailbox server's directory: this hop is plain HTTP (event 1035).", ""),
    Cause("directory-missing", S.SITE, "The web site has no Microsoft-Server-ActiveSync directory.",
          "Create it as the article says, with a metabase backup; the System Attendant alone does not bring it back.",
          "KB883380", "IIS Manager on the server."),
    Cause("address-refused", S.SITE, "The directory does not admit the proxy's address (HTTP 403.6).",
          "Add the proxy's address to the directory's IP restrictions.", "", "Status 403.6 in the W3SVC log."),
    Cause("ssl-required", S.SITE, "The directory requires SSL, and the proxy speaks plain HTTP only (HTTP 403.4).",
          "easfix apply clears 'Require secure channel (SSL)' on the directory.", "ms524954",
          "Sub-status 403.4 in the W3SVC log, or AccessSSLFlags bit 8."),
    Cause("ssl-128-required", S.SITE, "The directory requires 128-bit encryption (HTTP 403.5).",
          "easfix apply clears it together with SSL.", "ms524954", "AccessSSLFlags bit 256."),
    Cause("certificate-required", S.SITE, "The directory requires a client certificate, which a proxy cannot offer.",
          "Find out who uses certificates here; then allow the change with guards.allow_client_certificates.",
          "ms524954", "AccessSSLFlags bit 64."),
    Cause("redirect-page", S.SITE, "The directory redirects, or an error page does; the proxy follows no redirects.",
          "Remove the redirect from the directory, or the custom error page for 403.4.", "",
          "HttpRedirect and HttpErrors of the directory."),
    Cause("password-notice", S.SITE, "IIS answers 403 for its password-expiry notices.",
          "Switch the notices off for the directory: PasswordChangeFlags = 6.", "KB916958",
          "Sub-status in the W3SVC log: none, where the others have one."),
    Cause("integrated-missing", S.SITE, "Integrated Windows authentication is off: the proxy cannot log on.",
          "Switch it on in Exchange System Manager, or msExchAuthenticationFlags = 6: DS2MB overwrites IIS Manager.",
          "KB937031", "AuthFlags bit 4 of the directory."),
    Cause("negotiate-not-offered", S.SITE, "Integrated authentication lacks Negotiate, which the proxy uses.",
          "Set NTAuthenticationProviders to 'Negotiate,NTLM' on the directory.", "KB215383",
          "NTAuthenticationProviders of the directory."),
    Cause("application-failing", S.LOGON, "IIS answers, but the application behind the directory fails (HTTP 5xx).",
          "Look at the application pool and at the event logs of the server.", "", "Ask as another user."),
    Cause("kerberos-encryption", S.LOGON, "Kerberos encryption mismatch: a Server 2003 has RC4 only.",
          "Set msDS-SupportedEncryptionTypes = 4 on the server's computer account, and allow RC4 on the proxy.",
          "", "klist get HTTP/SERVER on the proxy: the encryption type of the ticket, or the error 0xe."),
    Cause("ticket-refused", S.LOGON, "The server refuses the Kerberos ticket that the domain gives for it.",
          "Look for a duplicate HTTP service name (setspn -X), and compare the server's clock with the domain's.", "",
          "setspn -X, w32tm /stripchart, and event 3 or 4 of Kerberos in the System log of the proxy."),
    Cause("logon-failing", S.HERE, "This machine could not make a logon to the server.",
          "Look at what it says; the proxy may fare better.", "", "easfix doctor"),
    Cause("answer-broken", S.LOGON, "What the mailbox server answers breaks off, does not end or makes no sense.",
          "See what answers at port 80, and what stands between it and the proxy.", "",
          "A network trace on the proxy."),
    Cause("service-pack-too-old", S.LOGON, "The mailbox server is older than Exchange 2003 SP2, which the proxy needs.",
          "Install Exchange 2003 Service Pack 2.", "", "The build in the server's properties."),
    Cause("exchange-needs-ssl", S.MAILBOX, "/Exchange requires SSL, and ActiveSync reads the mailbox through it.",
          "Create /exchange-oma without SSL and name it in ExchangeVDir.", "KB817379", "Event 3029 on the server."),
    Cause("exchange-forms", S.MAILBOX, "Forms-based authentication is on, and ActiveSync reads the mailbox by HTTP.",
          "Create /exchange-oma without forms and name it in ExchangeVDir.", "KB817379", "Event 3030 on the server."),
    Cause("exchange-integrated-missing", S.MAILBOX, "/Exchange does not offer Integrated authentication to ActiveSync.",
          "Switch Integrated Windows authentication on for /Exchange.", "KB817379", "Event 3031 on the server."),
    Cause("mailbox-failing", S.MAILBOX, "ActiveSync answers, but the mailbox cannot be read.",
          "Look at the Server ActiveSync events of the server, and at the mailbox store.", "KB817379",
          "The same question with another mailbox."),
    Cause("throttled-silence", S.HERE, "No new event 1034 can be written yet: its absence proves nothing.",
          "Wait until the time is over, or configure a test user, which proves the path at once.", "KB2607574"),
    Cause("unknown", S.HERE, "The evidence fits no known cause.", "Read the raw evidence."),
)  # fmt: skip
ARTICLES: Mapping[str, str] = {
    "KB883380": "domain 3.6; the article, on directories that are not created again by themselves",
    "KB907857": "domain 5.2",
    "KB916958": "domain 2.9; the article, on IISADMPWD and PasswordChangeFlags",
    "KB937031": "domain 1.6, 3.2; Exchange team blog, Maintaining ActiveSync access to Exchange 2003 mailboxes",
    "KB215383": "domain 2.8; the article, on NTAuthenticationProviders",
    "KB817379": "domain 4.1; the article, with events 1805, 1507 and 3029 to 3031",
    "KB2607574": "domain 1.4, 1.5; the article, on event 1034",
    "ms524954": "domain 2.1: the IIS 6 SDK on AccessSSLFlags",
    "MS-OXPROTO 2.5.14.5": "the specification: HTTP 449, or a status from 141 to 144, asks for Provision first",
}
"""Where it stands that an article is about what the table names it for; no row names one that is not here."""

CAUSES: Mapping[str, Cause] = {cause.name: cause for cause in TABLE}

SIBLINGS: Mapping[str, str] = {
    "no-activesync-directory": "directory-missing",
    "web-service-stopped": "service-stopped",
    "site-stopped": "site-stopped",
    "port-80-not-bound": "port-80-not-bound",
    "integrated-authentication-missing": "integrated-missing",
    "negotiate-not-offered": "negotiate-not-offered",
    "exchange-directory-needs-ssl": "exchange-needs-ssl",
    "forms-based-authentication": "exchange-forms",
    "exchange-integrated-authentication-missing": "exchange-integrated-missing",
    "redirected": "redirect-page",
}
"""What detection has found beside the flags."""

READABLE = frozenset(SIBLINGS.values()) | {
    "ssl-required", "ssl-128-required", "certificate-required", "service-pack-too-old", "server-down",
}  # fmt: skip
"""What a look at the server would have shown: without it there, it is not the cause."""

BROKEN = ("answer-broken",)
HOP: Mapping[str, tuple[str, ...]] = {
    **{name: (name,) for name in ("ssl-required", "ssl-128-required", "certificate-required", "address-refused",
                                  "directory-missing")},
    "forbidden": ("ssl-required", "address-refused", "certificate-required", "password-notice"),
    "negotiate-missing": ("integrated-missing", "negotiate-not-offered"),
    "redirected": ("redirect-page", "ssl-required"),
    "no-logon-asked": ("redirect-page", "ssl-required"),
    "server-error": ("application-failing",),
    "refused": ("service-stopped", "site-stopped", "port-80-not-bound", "server-down", "port-filtered"),
    "timed-out": ("port-filtered", "server-down"),
    "name-unknown": ("name-not-resolved",),
    **dict.fromkeys(("too-slow", "endless", "no-http", "broken-off", "unexpected", "tls", "certificate"), BROKEN),
}  # fmt: skip
"""What the answers to an OPTIONS over plain HTTP fit, most usual first."""

LOGON: Mapping[str, tuple[str, ...]] = {
    "password-refused": ("password-wrong",),
    "password-not-tried": ("password-wrong",),
    "kerberos-encryption": ("kerberos-encryption",),
    "ticket-refused": ("kerberos-encryption", "ticket-refused"),
    "logon-failed": ("logon-failing",),
    "no-activesync": BROKEN,
}
_WAITING = ("port-filtered", "ssl-required", "answer-broken")
END_TO_END: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("proxy-name-unknown", "proxy-refused", "proxy-timed-out", "proxy-broken-off", "proxy-no-http"),
                    ("proxy-not-reached",)),
    **dict.fromkeys(("proxy-certificate", "ca-unreadable"), ("proxy-certificate",)),
    "proxy-tls": ("proxy-tls",),
    "password-refused": ("password-wrong",),
    "password-not-tried": ("password-wrong",),
    "basic-not-offered": ("proxy-basic-missing",),
    "mailbox-elsewhere": ("mailbox-elsewhere",),
    "policy-required": ("policy-required",),
    "options-403": ("block-legacy", "mailbox-elsewhere", "user-redirected", "service-pack-too-old", "ssl-required"),
    "options-500": ("integrated-missing", "kerberos-encryption", "ticket-refused", "answer-broken"),
    "options-503": ("port-filtered", "ssl-required", "service-stopped", "name-not-resolved", "server-down",
                    "answer-broken"),
    "options-no-answer": _WAITING,
    "foldersync-500": ("exchange-needs-ssl", "exchange-forms", "exchange-integrated-missing", "mailbox-failing",
                       "answer-broken"),
    "foldersync-403": ("user-not-enabled", "mailbox-elsewhere"),
    "foldersync-401": ("integrated-missing", "kerberos-encryption", "ticket-refused"),
    "foldersync-status": ("mailbox-failing",),
    **dict.fromkeys(("foldersync-no-wbxml", "foldersync-no-http", "foldersync-too-slow", "foldersync-broken-off"),
                    ("answer-broken", "proxy-broken")),
    **dict.fromkeys(("foldersync-503", "foldersync-no-answer"), ("application-failing", "answer-broken")),
}  # fmt: skip
"""What the answers through a proxy fit; one that is not here is the proxy's own."""

USERS = frozenset({"user-not-enabled", "mailbox-elsewhere", "policy-required", "password-wrong"})
"""Causes that lie with the test user; no setting of a directory brings them about, and no restart."""

EVENTS: Mapping[int, tuple[str, ...]] = {
    1035: ("proxy-trust",),
    1036: ("integrated-missing", "negotiate-not-offered", "kerberos-encryption", "ticket-refused"),
    1037: ("user-redirected",),
    1030: ("block-legacy",),
    1028: ("service-pack-too-old",),
}
"""A proxy's events (domain 1.6)."""

SERVER_EVENTS: Mapping[int, str] = {
    3029: "exchange-needs-ssl",
    3030: "exchange-forms",
    3031: "exchange-integrated-missing",
    3005: "mailbox-failing",
}
"""ActiveSync's own events on the mailbox server (KB817379, domain 4.1)."""

LINES: Mapping[tuple[str, str], str] = {
    ("403", "4"): "ssl-required",
    ("403", "5"): "ssl-128-required",
    ("403", "6"): "address-refused",
    ("403", "7"): "certificate-required",
}
"""Status and sub-status in the W3SVC log (domain 2.9)."""
