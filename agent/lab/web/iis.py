"""The web server of an Exchange 2003 machine: IIS 6, answering from the metabase the scripts change."""

from __future__ import annotations

import ssl
from collections.abc import Callable

from agent.lab.logon import Secrets
from agent.lab.web import dav
from agent.lab.web.activesync import DEFAULT_DIRECTORY, NAME, ActiveSync
from agent.lab.web.authority import LabAuthority
from agent.lab.web.customerror import customise, moved
from agent.lab.web.faults import WebFaults
from agent.lab.web.homes import Home, home_of
from agent.lab.web.hop import Hop, HopFailed, HopFailure, HopLimits, Target, is_ssl_page
from agent.lab.web.listener import Connection
from agent.lab.web.logon import Entry, Insider
from agent.lab.web.message import Request, Response
from agent.lab.web.pages import (
    ADDRESS_REFUSED,
    CERTIFICATE_REQUIRED,
    NOT_FOUND,
    SSL_128_REQUIRED,
    SSL_REQUIRED,
    error_page,
    kernel_page,
)
from agent.lab.web.places import (
    ANONYMOUS,
    REQUIRE_CERTIFICATE,
    SERVICE,
    SSL,
    SSL_128,
    Place,
    bindings,
    every_binding,
    place,
    site_for,
)
from agent.lab.web.pools import WARM_UP_SECONDS, Pools
from agent.lab.web.webserver import Ports, WebServer
from agent.lab.world.accounts import User
from agent.lab.world.errors import WorldError
from agent.lab.world.machine import Machine
from agent.lab.world.system import Role

HTTP, HTTPS = 80, 443
_BINDINGS = ("ServerBindings", "SecureBindings")


class IisServer(WebServer):
    """IIS 6 of one machine: a listener for each port its sites are bound to, open while the service runs."""

    def __init__(
        self,
        machine: Machine,
        secrets: Secrets,
        *,
        authority: LabAuthority | None = None,
        faults: WebFaults | None = None,
        warm_up_seconds: float = WARM_UP_SECONDS,
    ) -> None:
        """Without an `authority` the machine has no certificate, and nothing listens on its SecureBindings."""
        super().__init__(machine, secrets, faults=faults)
        self._authority = authority
        self._pools = Pools(machine, warm_up_seconds)
        self._active_sync = ActiveSync(machine, self._mailbox)
        machine.metabase.watch(self._value_changed)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Serve; the real port that stands for port 80."""
        await self.serve(host, {HTTP: port})
        return self.endpoint(HTTP)[1]

    def ports(self) -> Ports:
        """The ports of the sites that are started."""
        try:
            return {binding.port: binding.secure for binding in bindings(self.machine.metabase)}
        except WorldError:
            return {}

    def all_ports(self) -> Ports:
        """Port 80, and those of every site, started or not."""
        metabase = self.machine.metabase
        tree = metabase.memory if metabase.loaded else metabase.disk
        return {HTTP: False} | {each.port: each.secure for each in every_binding(tree)}

    def tls(self) -> Callable[[], ssl.SSLContext] | None:
        """A certificate of the lab's authority, made when the first client asks for it."""
        authority = self._authority
        return None if authority is None else lambda: authority.context(self.machine.fqdn, self.machine.name)

    def _value_changed(self, _: str, name: str) -> None:
        if name in _BINDINGS:
            self._changed()

    # --- a request ---------------------------------------------------------------------------------------------

    async def answer(self, request: Request, connection: Connection) -> Response:
        """What IIS 6 answers; logged under the site that answered."""
        try:
            metabase = self.machine.metabase
            site = site_for(bindings(metabase), connection.port, request.host)
            if site is None or (not request.host and request.version == "HTTP/1.1"):
                return kernel_page(400, "Bad Request (Invalid Hostname)")
            where = place(metabase.memory, site, request.path)
            response = await self._serve(request, connection, where)
        except WorldError:
            # A pool that does not exist, or IISADMIN gone while the request was under way.
            return kernel_page(503, "Service Unavailable")
        if where.number("LogType") and not where.value("DontLog"):
            self.note(request, connection, where.site, where.text("LogFileDirectory"), response)
        return response

    async def _serve(self, request: Request, connection: Connection, where: Place) -> Response:
        if not await self._pools.enter(where.text("AppPoolId")):
            return kernel_page(503, "Service Unavailable")
        response = self._barred(connection, where)
        if response is None:
            response = await self._enter(request, connection, where)
        return customise(response, where, self.machine.files) if response.status >= 400 else response

    def _barred(self, connection: Connection, where: Place) -> Response | None:
        """What stops a visitor before anybody asks who it is. domain 2.9; address first [bg]"""
        flags = where.ssl_flags
        if not where.admits(connection.address):
            return error_page(ADDRESS_REFUSED, self.culture)
        if flags & SSL and not connection.secure:
            return error_page(SSL_REQUIRED, self.culture)
        if flags & SSL_128 and not connection.secure:
            return error_page(SSL_128_REQUIRED, self.culture)
        if flags & REQUIRE_CERTIFICATE:
            return error_page(CERTIFICATE_REQUIRED, self.culture)
        if target := where.text("HttpRedirect").partition(",")[0].strip():
            return moved(Response(302), target)
        return None

    async def _enter(self, request: Request, connection: Connection, where: Place) -> Response:
        is_sync = where.directory.lower() == NAME.lower()
        is_store = not is_sync and dav.is_store(where)
        if is_store and dav.forms_based(where.tree, where.site) and "sessionid=" not in request.header("Cookie"):
            return dav.ask_for_form(request)
        if not (is_sync or is_store) and where.auth_flags & ANONYMOUS and not request.header("Authorization"):
            return self._static(where)
        entry = Entry.of(where, request.host, self.culture)
        token = connection.visitor.attempt(request, entry)
        if isinstance(token, Response):
            return token
        user = connection.visitor.user
        if user is None:
            return entry.challenge()
        response = await self._application(request, where, user, is_sync, is_store)
        if token:
            response.headers.append(("WWW-Authenticate", token))
        return response

    async def _application(self, request: Request, where: Place, user: User, is_sync: bool, is_store: bool) -> Response:
        if is_sync:
            return await self._active_sync.answer(request, user)
        if is_store:
            return dav.answer(request, where, user, self.machine.name, self.culture)
        return self._static(where)

    def _static(self, where: Place) -> Response:
        if where.rest:
            return error_page(NOT_FOUND, self.culture)
        page = b"<html><head><title>Under Construction</title></head><body>Under Construction</body></html>"
        return Response(200, [("Content-Type", "text/html")], page)

    # --- ActiveSync's own way to the mailbox -------------------------------------------------------------------

    async def _mailbox(self, request: Request, user: User) -> Response:
        """The answer of the mailbox's server to this user, over plain HTTP to port 80. domain 4.1"""
        home = home_of(self.machine, user) if self.machine.role is Role.FRONT_END else None
        if home is not None and home.server.lower() != self.machine.name.lower():
            return await self._elsewhere(request, user, home)
        if not self._spells(request.path.split("/")[1]):
            return error_page(NOT_FOUND, self.culture)
        return await self.answer(request, Connection(lambda: self.machine.address, HTTP, False, Insider(user)))

    async def _elsewhere(self, request: Request, user: User, home: Home) -> Response:
        """A front-end asks the back-end, over the wire; only the back-end's own /Exchange matters. KB817379"""
        headers = tuple((name, home.fqdn if name == "Host" else value) for name, value in request.headers)
        asked = Request(request.method, f"{DEFAULT_DIRECTORY}/{user.name}/", "", headers)
        try:
            answer = await Hop(self.machine, Target(home.fqdn), HopLimits(hangs_on_ssl=False)).send(
                asked, user.qualified, user.password
            )
        except HopFailed as failed:
            refused = failed.failure in (HopFailure.NO_NEGOTIATE, HopFailure.NOT_LOGGED_ON)
            return Response(401 if refused else 503)
        answer.substatus = 4 if is_ssl_page(answer) else 0
        return answer

    def _spells(self, directory: str) -> bool:
        """ExchangeVDir is case-sensitive: a directory spelled otherwise is not found. KB817379"""
        site = site_for(bindings(self.machine.metabase), HTTP, self.machine.fqdn.lower())
        known = self.machine.metabase.children(f"{SERVICE}/{site}/ROOT") if site is not None else []
        return not any(each.lower() == directory.lower() and each != directory for each in known)
