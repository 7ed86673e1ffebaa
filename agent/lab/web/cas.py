"""A Client Access server of Exchange 2007 or 2010: phones over HTTPS, legacy mailboxes by proxy. domain 1"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs

from agent.lab.logon import Secrets
from agent.lab.web import casevents, folders
from agent.lab.web.activesync import NAME
from agent.lab.web.authority import LabAuthority
from agent.lab.web.casevents import THROTTLE_SECONDS, CasEvents
from agent.lab.web.faults import WebFaults
from agent.lab.web.homes import Home, home_of
from agent.lab.web.hop import Hop, HopFailed, HopFailure, HopLimits, Target
from agent.lab.web.listener import Connection
from agent.lab.web.logon import ConnectionLogon, Entry
from agent.lab.web.message import Request, Response
from agent.lab.web.pages import NOT_FOUND, SSL_REQUIRED, error_page, kernel_page
from agent.lab.web.pools import WARM_UP_SECONDS, Pools
from agent.lab.web.wbxml import WbxmlError
from agent.lab.web.webserver import Ports, WebServer
from agent.lab.world.accounts import User
from agent.lab.world.default_disk import sync_web_config
from agent.lab.world.errors import WorldError
from agent.lab.world.machine import Machine
from agent.lab.world.system import Role

HTTP, HTTPS = 80, 443
POOL = "MSExchangeSyncAppPool"
LOG_FOLDER = r"C:\inetpub\logs\LogFiles"  # IIS 7
OLDEST = (6, 5)  # Exchange 2003. domain 1.6, event 1028

# domain 1.7: only a few reply headers pass; which ones besides MS-Server-ActiveSync [bg].
RELAYED = frozenset(
    {"ms-server-activesync", "ms-asprotocolversions", "ms-asprotocolcommands", "content-type", "allow", "public"}
)
# What the proxy passes on of the device's request [bg].
_FORWARDED = frozenset({"content-type", "user-agent", "ms-asprotocolversion", "x-ms-policykey", "accept-language"})

_BLOCK = re.compile(rb"""<add\s+key=["']BlockLegacyMailboxes["']\s+value=["'](\w+)["']""", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Edition:
    """What differs between the two versions: own headers [bg beyond 8.x and 14.x], IIS."""

    version: str
    protocols: str
    server_header: str


EDITIONS = {
    Role.CAS2007: Edition(
        "8.3",
        "1.0,2.0,2.1,2.5,12.0,12.1",
        "Microsoft-IIS/7.0",
    ),
    Role.CAS2010: Edition(
        "14.3",
        "2.0,2.1,2.5,12.0,12.1,14.0,14.1",
        "Microsoft-IIS/7.5",
    ),
}
OWN_COMMANDS = (
    "Sync,SendMail,SmartForward,SmartReply,GetAttachment,GetHierarchy,CreateCollection,DeleteCollection,"
    "MoveCollection,FolderSync,FolderCreate,FolderDelete,FolderUpdate,MoveItems,GetItemEstimate,MeetingResponse,"
    "Search,Settings,Ping,ItemOperations,Provision,ResolveRecipients,ValidateCert"
)

_WORDS = {
    401: "Unauthorized: Access is denied due to invalid credentials.",
    403: "Forbidden: Access is denied.",
    404: "File or directory not found.",
    500: "Internal server error.",
    501: "Header values specify a method that is not implemented.",
    503: "Service is unavailable.",
}

_ANSWERS = {
    HopFailure.TIMED_OUT: (503, casevents.TIMED_OUT),
    HopFailure.NOT_TRUSTED: (500, casevents.NOT_TRUSTED),
    HopFailure.NO_NEGOTIATE: (500, casevents.NOT_LOGGED_ON),
    HopFailure.NOT_LOGGED_ON: (500, casevents.NOT_LOGGED_ON),
    HopFailure.NOT_RESOLVED: (503, None),
    HopFailure.REFUSED: (503, None),
    HopFailure.BROKEN: (500, None),
}
"""Status for the phone [bg] and event, by how the hop failed; a failure without a documented event writes none."""


@dataclass(slots=True)
class CasSettings:
    """Switches of one server, read anew for every request."""

    limits: HopLimits = field(default_factory=HopLimits)
    https_targets: frozenset[str] = frozenset()
    """Back-ends the proxy would address by https, against 1.2: what makes event 1035 possible."""
    trust: ssl.SSLContext | None = None
    """What https targets are checked against; the system's roots where there is none."""


class CasServer(WebServer):
    """The web server of a CAS; `settings` may be changed while it runs."""

    def __init__(
        self,
        machine: Machine,
        secrets: Secrets,
        authority: LabAuthority,
        *,
        settings: CasSettings | None = None,
        faults: WebFaults | None = None,
        throttle_seconds: float = THROTTLE_SECONDS,
        warm_up_seconds: float = WARM_UP_SECONDS,
    ) -> None:
        self.edition = EDITIONS[machine.role]
        self.server_header = self.edition.server_header
        super().__init__(machine, secrets, faults=faults)
        self.settings = settings or CasSettings()
        self.events = CasEvents(machine, throttle_seconds)
        self._authority = authority
        self._pools = Pools(machine, warm_up_seconds)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Serve; the real port that stands for port 443."""
        await self.serve(host, {HTTPS: port})
        return self.endpoint(HTTPS)[1]

    def ports(self) -> Ports:
        """HTTP only says that HTTPS is needed."""
        return {HTTPS: True, HTTP: False}

    def all_ports(self) -> Ports:
        """The same, always."""
        return self.ports()

    def tls(self) -> Callable[[], ssl.SSLContext]:
        """A certificate of the lab's authority, made when the first phone asks for it."""
        return lambda: self._authority.context(self.machine.fqdn, self.machine.name)

    @property
    def blocks_legacy(self) -> bool:
        """Whether web.config says BlockLegacyMailboxes. domain 1.6"""
        try:
            found = _BLOCK.search(self.machine.files.read(sync_web_config(self.machine.role)))
        except WorldError:
            return False
        return found is not None and found.group(1).lower() == b"true"

    # --- a phone -----------------------------------------------------------------------------------------------

    async def answer(self, request: Request, connection: Connection) -> Response:
        """What the phone gets; logged as IIS 7 does."""
        response = _in_iis7_words(await self._respond(request, connection))
        self.note(request, connection, 1, LOG_FOLDER, response)
        return response

    async def _respond(self, request: Request, connection: Connection) -> Response:
        if not connection.secure:
            return error_page(SSL_REQUIRED, self.culture)
        if request.path.strip("/").partition("/")[0].lower() != NAME.lower():
            return error_page(NOT_FOUND, self.culture)
        # Without IISADMIN there is nobody to ask about pools, and IIS 7 goes on without it.
        if self.machine.metabase.loaded and not await self._pools.enter(POOL):
            return kernel_page(503, "Service Unavailable")
        entry = Entry(("Basic",), request.host, self.culture)
        challenge = connection.visitor.attempt(request, entry)
        if isinstance(challenge, Response):
            return challenge
        user, visitor = connection.visitor.user, connection.visitor
        if user is None or not isinstance(visitor, ConnectionLogon):
            return entry.challenge()
        if request.method not in ("OPTIONS", "POST"):  # domain 1.7
            return _plain(501)
        home = home_of(self.machine, user)
        if home is None:
            return _plain(403)
        if not home.is_legacy:
            return self._own(request)
        return await self._legacy(request, user, home, visitor.password)

    def _own(self, request: Request) -> Response:
        if request.method == "OPTIONS":
            headers = [
                ("MS-Server-ActiveSync", self.edition.version),
                ("MS-ASProtocolVersions", self.edition.protocols),
                ("MS-ASProtocolCommands", OWN_COMMANDS),
                ("Public", "OPTIONS,POST"),
                ("Allow", "OPTIONS,POST"),
            ]
            return Response(200, headers)
        command = (parse_qs(request.query).get("Cmd") or [""])[0]
        if command not in folders.COMMANDS:
            return _plain(501 if command else 400)
        try:
            body = folders.COMMANDS[command](request.body)
        except WbxmlError:
            return _plain(400)
        headers = [("Content-Type", folders.WBXML), ("MS-Server-ActiveSync", self.edition.version)]
        return Response(200, headers, body)

    # --- the proxy ---------------------------------------------------------------------------------------------

    async def _legacy(self, request: Request, user: User, home: Home, password: str) -> Response:
        if home.version < OLDEST:
            self.events.write(casevents.TOO_OLD, home.fqdn, user.upn)
            return _plain(403)
        if self.blocks_legacy:
            self.events.write(casevents.BLOCKED, home.fqdn, user.upn)
            return _plain(403)
        hop = Hop(self.machine, self._target(home), self.settings.limits)
        try:
            answer = await hop.send(self._forwarded(request, home), user.qualified, password)
        except HopFailed as failed:
            return self._failed(failed, home)
        return self._relayed(answer, user, home)

    def _target(self, home: Home) -> Target:
        is_https = home.fqdn.lower() in self.settings.https_targets
        return Target(home.fqdn, (self.settings.trust or ssl.create_default_context()) if is_https else None)

    def _forwarded(self, request: Request, home: Home) -> Request:
        kept = [(name, value) for name, value in request.headers if name.lower() in _FORWARDED]
        headers = (("Host", home.fqdn), *kept, ("X-Forwarded-For", self.machine.address))
        return Request(request.method, f"/{NAME}", request.query, headers, request.body)

    def _failed(self, failed: HopFailed, home: Home) -> Response:
        status, event_id = _ANSWERS[failed.failure]
        if event_id is not None:
            self.events.write(event_id, home.fqdn, failed.detail)
        return _plain(status)

    def _relayed(self, answer: Response, user: User, home: Home) -> Response:
        """The status and the few headers that pass; a redirect is not followed. domain 1.7"""
        if answer.status in (301, 302, 307) and "/exchange" in answer.header("Location").lower():
            self.events.write(casevents.USER_LOCKED, home.fqdn, user.upn)
            return _plain(403)
        headers = [(name, value) for name, value in answer.headers if name.lower() in RELAYED]
        return Response(answer.status, headers, answer.body)


def _plain(status: int) -> Response:
    return Response(status)


def _in_iis7_words(response: Response) -> Response:
    """The short error page IIS 7 sends to a client that is not on the server itself."""
    if response.status in _WORDS and not response.kernel:
        text = f"{response.status} - {_WORDS[response.status]}"
        response.body = f"<html><head><title>{text}</title></head><body><h2>{text}</h2></body></html>".encode()
        response.headers = [each for each in response.headers if each[0] != "Content-Type"]
        response.headers.append(("Content-Type", "text/html"))
    return response
