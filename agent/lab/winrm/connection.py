"""Owns one TCP connection: requests in, logon, unsealing, answers out. NTLM belongs to the connection."""

from __future__ import annotations

import asyncio
import base64
import re
import socket
import struct

from agent.lab.winrm import answers, soap
from agent.lab.winrm import wsmanfault as faults
from agent.lab.winrm.faults import WireFaults
from agent.lab.winrm.http import BadRequest, HttpAnswer, HttpRequest, read_request
from agent.lab.winrm.logon import CHALLENGES, Authority, ConnectionLogon, Verdict
from agent.lab.winrm.outbox import post
from agent.lab.winrm.sealing import CONTENT_TYPE, Unsealable, is_sealed, seal, unseal
from agent.lab.winrm.service import Service

PATH = "/wsman"
SOAP = "application/soap+xml;charset=UTF-8"
OVERSIZED_BYTES = 32 * 1024 * 1024
GARBAGE = b"\x00\xff\x1b garbage \x80\x01" * 16
_CHARSET = re.compile(r"charset=\"?([\w.-]+)")


class Connection:
    """Serves until the peer, an idle timer, a fault or the service ends it."""

    def __init__(
        self,
        service: Service,
        authority: Authority,
        wire: WireFaults,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._service = service
        self._wire = wire
        self._reader = reader
        self._writer = writer
        self._authority = authority
        self._logon = ConnectionLogon(service.host.machine, authority, wire)
        self._is_tls = writer.get_extra_info("ssl_object") is not None
        self._silent_since: float | None = None
        self._client = str((writer.get_extra_info("peername") or ("",))[0])

    async def run(self) -> None:
        """Serve one request after the other."""
        self._watch()
        try:
            while await self._serve_one():
                pass
        except (ConnectionError, TimeoutError, OSError):
            return  # the peer is gone, or has been silent too long
        finally:
            self._timer.cancel()

    def _watch(self) -> None:
        """End what has been silent too long. One timer for all requests: one for each costs a fortieth of the lab."""
        loop, limit = self._service.host.loop, self._service.host.quotas.connection_idle_seconds
        left = limit if self._silent_since is None else self._silent_since + limit - loop.time()
        if left > 0:
            self._timer = loop.call_later(left, self._watch)
        else:
            self._reader.set_exception(TimeoutError())

    def reset(self) -> None:
        """End with a reset, as a machine that goes down does."""
        found = self._writer.get_extra_info("socket")
        if found is not None and not self._writer.transport.is_closing():
            found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def _serve_one(self) -> bool:
        quotas = self._service.host.quotas
        self._silent_since = self._service.host.loop.time()
        try:
            request = await read_request(self._reader, quotas)
        except BadRequest as error:
            await self._send(HttpAnswer(error.status, close=True))
            return False
        finally:
            self._silent_since = None
        if request is None:
            return False
        self._service.host.machine.counters.count("winrm_requests")
        answer = await self._answer(request)
        await self._delay()
        await self._send(answer)
        return not (answer.close or answer.cut or request.closes)

    async def _delay(self) -> None:
        if self._wire.slow_seconds > 0:
            host = self._service.host
            due: asyncio.Future[None] = host.loop.create_future()
            host.machine.clock.call_later(self._wire.slow_seconds, lambda: post(host.loop, due))
            await due

    async def _send(self, answer: HttpAnswer) -> None:
        packed = answer.pack()
        if answer.cut:
            self._writer.write(packed[: len(packed) // 2])
            await self._writer.drain()
            self.reset()
            return
        self._writer.write(packed)
        await self._writer.drain()

    # --- logon -------------------------------------------------------------------------------------------------

    async def _answer(self, request: HttpRequest) -> HttpAnswer:
        if request.path.partition("?")[0].rstrip("/").lower() != PATH:
            return HttpAnswer(404)
        if request.method != "POST":
            return HttpAnswer(405, headers=[("Allow", "POST")])
        verdict = Verdict()
        if authorization := request.header("authorization"):
            verdict = self._logon.step(authorization)
            if not verdict.is_complete:
                return _challenge(authorization, verdict)
        if self._logon.user is None:
            if request.header("wsmanidentify"):
                return self._identify(request)
            return HttpAnswer(401, headers=list(CHALLENGES))
        answer = await self._authenticated(request)
        if verdict.token:
            answer.headers.append(("WWW-Authenticate", _token(authorization, verdict.token)))
        return answer

    def _identify(self, request: HttpRequest) -> HttpAnswer:
        """A stranger with the header WSMANIDENTIFY may ask who is there. [MS-WSMV] appendix B <72>"""
        try:
            envelope = soap.parse(request.body)
        except faults.WsmanFault:
            return HttpAnswer(401, headers=list(CHALLENGES))
        if not envelope.action.endswith("/Identify"):
            return HttpAnswer(401, headers=list(CHALLENGES))
        return HttpAnswer(200, self._service.identify(authenticated=False), SOAP)

    # --- authenticated -----------------------------------------------------------------------------------------

    async def _authenticated(self, request: HttpRequest) -> HttpAnswer:
        if not request.body:
            return HttpAnswer(200)  # a client that only wanted to log on
        content_type = request.header("content-type")
        if not is_sealed(content_type):
            if not self._is_tls:
                body = answers.fault(faults.unencrypted(), "", self._service.host.machine.name)
                return HttpAnswer(500, body, SOAP)
            return await self._dispatch(request.body, content_type, sealed=False)
        try:
            message = unseal(self._logon.context, request.body)
        except Unsealable:
            # As after a lost connection: sealed with the old key, unreadable with the new one.
            return HttpAnswer(400, close=True)
        return await self._dispatch(message, content_type, sealed=True)

    async def _dispatch(self, message: bytes, content_type: str, *, sealed: bool) -> HttpAnswer:
        if len(message) > self._service.host.quotas.envelope_bytes:
            return HttpAnswer(413, close=True)
        if self._wire.garbage_answer:
            return HttpAnswer(200, GARBAGE, SOAP)
        user = self._logon.user
        assert user is not None
        relates_to, status, has_output = "", 200, False
        try:
            charset = _CHARSET.search(content_type)
            envelope = soap.parse(message, charset[1] if charset and not sealed else "utf-8")
            relates_to = envelope.message_id
            body = await self._service.answer(envelope, user, self._client)
            has_output = envelope.verb == "Receive" and b" CommandId=" in body and b"</rsp:Stream>" in body
        except faults.WsmanFault as error:
            status, body = 500, answers.fault(error, relates_to, self._service.host.machine.fqdn)
        return await self._pack(status, body, sealed=sealed, has_output=has_output)

    async def _pack(self, status: int, body: bytes, *, sealed: bool, has_output: bool) -> HttpAnswer:
        content_type = SOAP
        if has_output and self._wire.oversized_answer:
            body += b" " * OVERSIZED_BYTES
        if sealed:
            protocol = self._logon.protocol
            content_type = CONTENT_TYPE.format(protocol=protocol)
            if len(body) > OVERSIZED_BYTES:
                loop = self._service.host.loop
                body = await loop.run_in_executor(self._authority.threads, seal, self._logon.context, body, protocol)
            else:
                body = seal(self._logon.context, body, protocol)
        return HttpAnswer(status, body, content_type, cut=has_output and self._wire.reset_mid_answer)


def _token(authorization: str, token: bytes) -> str:
    return f"{authorization.partition(' ')[0]} {base64.b64encode(token).decode()}"


def _challenge(authorization: str, verdict: Verdict) -> HttpAnswer:
    if verdict.is_refused or verdict.token is None:
        return HttpAnswer(401, headers=list(CHALLENGES))
    return HttpAnswer(401, headers=[("WWW-Authenticate", _token(authorization, verdict.token))])
