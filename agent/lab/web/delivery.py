"""Puts a response on the wire, straight or as badly as the machine's faults ask."""

from __future__ import annotations

import asyncio

from agent.lab.clock import Clock
from agent.lab.web.faults import WebFaults
from agent.lab.web.message import Response
from agent.lab.web.waiting import pause

BLOCK = 16_384
BOMB_HEADERS = 65_536  # lines of header, about 8 MB
_WBXML = "application/vnd.ms-sync.wbxml"


async def deliver(
    response: Response, body: bool, writer: asyncio.StreamWriter, faults: WebFaults, clock: Clock
) -> None:
    """Send head and, with `body`, body; the connection is not usable afterwards when `response.close` says so."""
    await pause(clock, faults.slow_seconds)
    spoil(response, faults)
    content = response.body if body else b""
    if faults.garbage_answer:
        await _send(writer, b"\x15\x03\x01\x00\x02\x02\x28" + bytes(range(256)) * 4)
    elif faults.reset_mid_answer:
        await _reset(writer, response.head() + content)
    elif faults.header_bomb:
        await _header_bomb(writer)
    elif faults.endless_body:
        await _endless(writer, response)
    elif faults.slow_drip:
        await _drip(writer, response.head() + content, faults.slow_drip, clock)
    else:
        await _send(writer, response.head() + content)


def spoil(response: Response, faults: WebFaults) -> None:
    """Change what the answer says, before its length is known to the client."""
    if faults.wrong_charset and response.body:
        response.headers = [(name, value) for name, value in response.headers if name != "Content-Type"]
        response.headers.append(("Content-Type", "text/html; charset=utf-16"))
    if faults.broken_wbxml and response.header("Content-Type") == _WBXML:
        response.body = b"\x7f" + response.body[1 : len(response.body) // 2]
        response.headers = [(name, value) for name, value in response.headers if name != "Content-Length"]
        response.headers.append(("Content-Length", str(len(response.body))))
    if faults.garbage_answer or faults.header_bomb or faults.endless_body or faults.reset_mid_answer:
        response.close = True


async def _send(writer: asyncio.StreamWriter, content: bytes) -> None:
    writer.write(content)
    await writer.drain()
    # Once a client over TLS is gone, drain() does not wait any more: the loop must have its turn to say that it is.
    await asyncio.sleep(0)


async def _reset(writer: asyncio.StreamWriter, content: bytes) -> None:
    await _send(writer, content[: max(1, len(content) // 2)])
    writer.transport.abort()


async def _header_bomb(writer: asyncio.StreamWriter) -> None:
    await _send(writer, b"HTTP/1.1 200 OK\r\n")
    for count in range(BOMB_HEADERS):
        await _send(writer, b"X-Pad-%d: " % count + b"a" * 100 + b"\r\n")
    await _send(writer, b"\r\n")


async def _endless(writer: asyncio.StreamWriter, response: Response) -> None:
    response.headers = [(name, value) for name, value in response.headers if name != "Content-Length"]
    await _send(writer, response.head())
    while True:
        await _send(writer, b" " * BLOCK)


async def _drip(writer: asyncio.StreamWriter, content: bytes, seconds: float, clock: Clock) -> None:
    for at in range(len(content)):
        await _send(writer, content[at : at + 1])
        await pause(clock, seconds)
