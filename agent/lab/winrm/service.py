"""Owns what the service does with a request: shells, commands, streams. [MS-WSMV] 3.1.4"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from xml.etree import ElementTree as ET

from agent.lab.winrm import answers
from agent.lab.winrm import wsmanfault as faults
from agent.lab.winrm.cmdshell import CMD, CmdShell
from agent.lab.winrm.config import CONFIG, config, product_version, shell_document
from agent.lab.winrm.faults import WireFaults
from agent.lab.winrm.outbox import Outbox, post
from agent.lab.winrm.psrpshell import CREATION, POWERSHELL, RunspaceShell
from agent.lab.winrm.shell import Host, Shell
from agent.lab.winrm.shelltable import ShellTable
from agent.lab.winrm.signals import act
from agent.lab.winrm.soap import RSP, Envelope, X
from agent.lab.winrm.streams import decode_stream
from agent.lab.world.accounts import User

SHELLS = "http://schemas.microsoft.com/wbem/wsman/1/windows/shell"


class Service:
    """The WS-Management service of one machine; all methods run on the loop."""

    def __init__(self, host: Host, wire: WireFaults) -> None:
        self.host = host
        self.shells = ShellTable(host)
        self._wire = wire
        self._verbs: dict[str, Callable[[Envelope, Shell], bytes]] = {
            f"{RSP}/Command": self._command,
            f"{RSP}/Send": self._send,
            f"{RSP}/Signal": self._signal,
            f"{X}/Delete": self._delete,
        }

    def identify(self, *, authenticated: bool) -> bytes:
        """The answer to Identify; a stranger does not learn the version of Windows."""
        return answers.identified(product_version(self.host.machine, authenticated=authenticated))

    async def answer(self, request: Envelope, user: User, client: str) -> bytes:
        """The envelope that answers a request; WsmanFault where the service refuses."""
        if request.action.endswith("/Identify"):
            return self.identify(authenticated=True)
        smallest = self.host.quotas.minimum_envelope_bytes
        if request.max_envelope is not None and request.max_envelope < smallest:
            raise faults.small_envelope(smallest)
        if request.action == f"{X}/Create":
            return self._create(request, user, client)
        if request.action == f"{X}/Get":
            return self._get(request, user)
        if request.action != f"{RSP}/Receive" and request.action not in self._verbs:
            raise faults.unsupported_action(request.action)
        return await self._on_shell(request, user)

    async def _on_shell(self, request: Envelope, user: User) -> bytes:
        shell = self.shells.find(request.shell_id, user)
        if request.resource != shell.resource:
            raise faults.unknown_resource(request.resource)
        shell.busy += 1
        try:
            if request.action == f"{RSP}/Receive":
                return await self._receive(request, shell)
            return self._verbs[request.action](request, shell)
        finally:
            shell.busy -= 1
            shell.used = self.host.machine.clock.monotonic()

    # --- shells ------------------------------------------------------------------------------------------------

    def _create(self, request: Envelope, user: User, client: str) -> bytes:
        is_known = request.resource == CMD or (request.resource == POWERSHELL and not self._wire.psrp_disabled)
        if not is_known:
            raise faults.unknown_resource(request.resource)
        if self._wire.not_admin or not user.is_admin:
            raise faults.access_denied()
        body = _body(request, "Shell")
        self.shells.check_quota(user)
        shell = self._open(request, user, client, body)
        self.shells.add(shell)
        return answers.created(request, shell.id)

    def _open(self, request: Envelope, user: User, client: str, body: ET.Element) -> Shell:
        room = self._room(request)
        if request.resource == CMD:
            return CmdShell(self.host, user, client, body, request.options, room)
        return RunspaceShell(self.host, user, client, body.findtext(CREATION) or "", room)

    def _get(self, request: Envelope, user: User) -> bytes:
        if request.resource.startswith(CONFIG):
            return answers.got(request, "cfg", config(request.resource, self.host.quotas))
        if request.resource not in (SHELLS, CMD, POWERSHELL):
            raise faults.unknown_resource(request.resource)
        shell = self.shells.find(request.shell_id, user)
        shell.used = self.host.machine.clock.monotonic()
        return answers.got(request, "rsp", shell_document(shell))

    def _delete(self, request: Envelope, shell: Shell) -> bytes:
        self.shells.remove(shell)
        return answers.deleted(request)

    # --- commands ----------------------------------------------------------------------------------------------

    def _command(self, request: Envelope, shell: Shell) -> bytes:
        body = _body(request, "CommandLine")
        shell.check_quota()
        command = shell.start(body, request.options)
        shell.commands[command.id] = command
        return answers.command(request, command.id)

    def _send(self, request: Envelope, shell: Shell) -> bytes:
        for element in _body(request, "Send").iterfind(f"{{{RSP}}}Stream"):
            name, content = element.get("Name", ""), decode_stream(element)
            command_id = element.get("CommandId")
            if command_id is None:
                shell.send(name, content)
            else:
                is_end = element.get("End", "").lower() in ("true", "1")
                shell.find(command_id).send(name, content, end=is_end)
        return answers.sent(request)

    def _signal(self, request: Envelope, shell: Shell) -> bytes:
        body = _body(request, "Signal")
        act(shell, body.get("CommandId"), (body.findtext(f"{{{RSP}}}Code") or "").strip())
        return answers.signalled(request)

    # --- receive -----------------------------------------------------------------------------------------------

    async def _receive(self, request: Envelope, shell: Shell) -> bytes:
        desired = _body(request, "Receive").find(f"{{{RSP}}}DesiredStream")
        if desired is None:
            raise faults.schema("rsp:DesiredStream", request.message_id)
        for name in (desired.text or "").split():
            if name not in shell.OUTPUT:
                raise faults.bad_stream(name, desired=True)
        command_id = (desired.get("CommandId") or "").upper() or None
        box = shell.box(command_id)
        longest = self.host.quotas.operation_seconds
        has_news = await self._news(box, min(request.timeout or longest, longest))
        if has_news and command_id is not None:
            await self._linger(box)
        if shell.died or shell.closed:
            raise faults.provider_died() if shell.died else faults.aborted()
        if not has_news:
            raise faults.operation_timed_out()
        pieces, is_done = box.take(self._room(request))
        if pieces and pieces[0].cost > self._room(request):
            raise faults.envelope_exceeded()
        state = None if command_id is None else "Done" if is_done else "Running"
        return answers.received(request, pieces, command_id, state, box.exit_code if is_done else None)

    async def _news(self, box: Outbox, seconds: float) -> bool:
        if box.has_news():
            return True
        loop = self.host.loop
        expired: asyncio.Future[None] = loop.create_future()
        timer = self.host.machine.clock.call_later(seconds, lambda: post(loop, expired))
        try:
            while not box.has_news():
                await asyncio.wait({box.waiter(), expired}, return_when=asyncio.FIRST_COMPLETED)
                if expired.done() and not box.has_news():
                    return False
        finally:
            timer.cancel()
        return True

    async def _linger(self, box: Outbox) -> None:
        settled = box.waiter(self.host.quotas.envelope_bytes // 2)
        if not settled.done():
            await asyncio.wait({settled}, timeout=self.host.quotas.linger_seconds)
            settled.cancel()

    def _room(self, request: Envelope) -> int:
        largest = self.host.quotas.envelope_bytes
        return min(request.max_envelope or largest, largest) - answers.RECEIVE_OVERHEAD


def _body(request: Envelope, name: str) -> ET.Element:
    if request.body is None or request.body.tag != f"{{{RSP}}}{name}":
        raise faults.schema(f"rsp:{name}", request.message_id)
    return request.body
