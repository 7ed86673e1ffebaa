"""Owns the faults that look like the one easfix cures, or add to it: said before anything is changed (domain 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from agent.model import AuthFlags, Finding, Sibling, SslFlags, Vdir, VdirRole


def siblings(finding: Finding) -> tuple[Sibling, ...]:
    """Every sibling fault that the finding shows, in the order of the table below."""
    return tuple(found for look in LOOKS for found in look(finding))


def breaks_the_path(sibling: Sibling) -> bool:
    """Phones stay broken with it, whatever the SSL flags say; the others are warnings."""
    return sibling.name not in WARNINGS


def _no_directory(finding: Finding) -> Iterator[Sibling]:
    if not finding.eas:
        yield Sibling(
            "no-activesync-directory",
            "no web site holds a Microsoft-Server-ActiveSync directory",
            "Create it as the article says, with a metabase backup; never as a cure for one that is there.",
            "KB883380",
        )


def _integrated_missing(finding: Finding) -> Iterator[Sibling]:
    for vdir in finding.eas:
        if not vdir.auth_flags & AuthFlags.NTLM:
            yield Sibling(
                "integrated-authentication-missing",
                f"{vdir.path} has AuthFlags {vdir.auth_flags.meaning}",
                "Switch Integrated Windows authentication on in Exchange System Manager (with the hotfix) or set "
                "msExchAuthenticationFlags = 6 in Active Directory: DS2MB overwrites IIS Manager.",
                "KB937031",
            )


def _negotiate_missing(finding: Finding) -> Iterator[Sibling]:
    for vdir in finding.eas:
        offered = [name.strip().lower() for name in vdir.providers.split(",") if name.strip()]
        if vdir.auth_flags & AuthFlags.NTLM and offered and "negotiate" not in offered:
            yield Sibling(
                "negotiate-not-offered",
                f'{vdir.path} has NTAuthenticationProviders "{vdir.providers}"',
                'Set NTAuthenticationProviders to "Negotiate,NTLM" on the directory: the proxy logs on with Kerberos.',
                "KB937031",
            )


def _exchange_needs_ssl(finding: Finding) -> Iterator[Sibling]:
    for vdir in _mailbox_directories(finding):
        if vdir.flags & (SslFlags.SSL | SslFlags.SSL128 | SslFlags.REQUIRE_CERT):
            yield Sibling(
                "exchange-directory-needs-ssl",
                f"{vdir.path} has AccessSSLFlags {vdir.flags.meaning}; ActiveSync itself reads the mailbox through it",
                "Create a second directory without SSL for ActiveSync and name it in ExchangeVDir.",
                "KB817379",
            )


def _forms_based(finding: Finding) -> Iterator[Sibling]:
    """The form belongs to /Exchange; the directory that ExchangeVDir names is the cure, and has none (domain 4.1)."""
    for vdir in _mailbox_directories(finding):
        if vdir.role is VdirRole.EXCHANGE and vdir.is_forms_based:
            yield Sibling(
                "forms-based-authentication",
                f"{vdir.path} asks for a logon in a form; ActiveSync itself reads the mailbox through it",
                "Create a second directory without forms for ActiveSync and name it in ExchangeVDir.",
                "KB817379",
            )


def _exchange_integrated_missing(finding: Finding) -> Iterator[Sibling]:
    for vdir in _mailbox_directories(finding):
        if not vdir.auth_flags & AuthFlags.NTLM:
            yield Sibling(
                "exchange-integrated-authentication-missing",
                f"{vdir.path} has AuthFlags {vdir.auth_flags.meaning}; ActiveSync itself reads the mailbox through it",
                "Switch Integrated Windows authentication on for that directory in Exchange System Manager.",
                "KB817379",
            )


def _redirect(finding: Finding) -> Iterator[Sibling]:
    for vdir in finding.eas:
        if vdir.redirect:
            yield Sibling(
                "redirected",
                f"{vdir.path} redirects to {vdir.redirect}; the proxy follows no redirects",
                "Remove the redirect from the directory, or set it on the site without its directories.",
            )


def _web_service_stopped(finding: Finding) -> Iterator[Sibling]:
    for service in finding.services:
        if service.name.upper() == "W3SVC" and not service.is_running:
            yield Sibling(
                "web-service-stopped",
                f"{service.display_name} (W3SVC) is {service.state}, start mode {service.start_mode}",
                "Find out why it does not run and start it.",
            )


def _site_stopped(finding: Finding) -> Iterator[Sibling]:
    for vdir in finding.eas:
        if not vdir.is_site_running:
            yield Sibling(
                "site-stopped",
                f'the web site "{vdir.site_comment}" of {vdir.path} is not running',
                "Start the web site in IIS Manager, and look in the System log for why it stopped.",
            )


def _no_plain_http(finding: Finding) -> Iterator[Sibling]:
    ports = {binding.split(":")[1] for vdir in finding.eas for binding in vdir.bindings.split() if ":" in binding}
    if finding.eas and "80" not in ports:
        bound = ", ".join(sorted(ports)) or "none"
        yield Sibling(
            "port-80-not-bound",
            f"no web site with an ActiveSync directory listens on port 80 (ports: {bound})",
            "Add a binding for port 80: the proxy speaks plain HTTP to that port and to no other.",
        )


def _basic_in_clear(finding: Finding) -> Iterator[Sibling]:
    for vdir in finding.eas:
        if vdir.auth_flags & AuthFlags.BASIC:
            yield Sibling(
                "basic-over-plain-http",
                f"{vdir.path} offers Basic authentication: whoever else reaches port 80 can send a password in clear",
                "Limit the directory to the addresses of the Client Access servers, or use IPsec between them.",
            )


LOOKS: tuple[Callable[[Finding], Iterator[Sibling]], ...] = (
    _no_directory,
    _web_service_stopped,
    _site_stopped,
    _no_plain_http,
    _integrated_missing,
    _negotiate_missing,
    _exchange_needs_ssl,
    _forms_based,
    _exchange_integrated_missing,
    _redirect,
    _basic_in_clear,
)
"""Domain 4.1, 4.2, 8.1: one function a fault."""

WARNINGS = frozenset({"basic-over-plain-http"})


def _mailbox_directories(finding: Finding) -> list[Vdir]:
    """The directories that ActiveSync reads mailboxes through: what ExchangeVDir names, else /Exchange (domain 4.1)."""
    named = [vdir for vdir in finding.vdirs if vdir.role is VdirRole.EXCHANGE_VDIR]
    return named or [vdir for vdir in finding.vdirs if vdir.role is VdirRole.EXCHANGE]
