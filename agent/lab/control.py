"""Owns the line to a running lab: one JSON question and one JSON answer a connection, loopback only, with a token."""

from __future__ import annotations

import asyncio
import hmac
import json
import socket
from pathlib import Path
from typing import Any

from agent.lab.faults import FaultError
from agent.lab.fleet import Fleet

LIMIT = 64 * 1024
"""A question is never longer than this, in bytes."""

LAB_FILE, TOKEN_FILE = "lab.json", "lab.token"


class LabGone(Exception):  # noqa: N818 - what happened, in the operator's words
    """There is no running lab behind a directory."""


class Control:
    """Answers questions about one fleet; lives on the fleet's loop."""

    def __init__(self, fleet: Fleet, token: str) -> None:
        self._fleet = fleet
        self._token = token
        self._server: asyncio.Server | None = None

    async def start(self) -> int:
        """Listen; the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LIMIT)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            line = await reader.readline()
            answer = await asyncio.to_thread(self._answer, line)
            writer.write(json.dumps(answer).encode() + b"\n")
            await writer.drain()
        except (ConnectionError, ValueError):
            return  # whoever asked has gone, or never meant us
        finally:
            writer.close()

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            question = json.loads(line)
        except ValueError:
            return {"error": "not JSON"}
        if not isinstance(question, dict) or not hmac.compare_digest(str(question.get("token")), self._token):
            return {"error": "wrong token"}
        try:
            return self._do(str(question.get("do")), question)
        except FaultError as error:
            return {"error": str(error)}

    def _do(self, what: str, question: dict[str, Any]) -> dict[str, Any]:
        match what:
            case "truth":
                return {"machines": [each.document() for each in self._fleet.truth()]}
            case "fault":
                self._fleet.fault(str(question.get("fault")))
                return {"injected": question.get("fault")}
        return {"error": f"no such question: {what}"}


def ask(directory: Path, what: str, **more: str) -> dict[str, Any]:
    """Put a question to the lab that runs behind this directory; LabGone, or FaultError with the lab's own words."""
    try:
        endpoint = json.loads((directory / LAB_FILE).read_text(encoding="utf-8"))["control"]
        token = (directory / TOKEN_FILE).read_text(encoding="ascii").strip()
        with socket.create_connection((endpoint["host"], endpoint["port"]), timeout=30) as connection:
            connection.sendall(json.dumps({"token": token, "do": what, **more}).encode() + b"\n")
            answer = json.loads(_read(connection))
    except FileNotFoundError:
        raise LabGone(f"no lab runs in {directory}: there is no {LAB_FILE}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LabGone(f"the lab of {directory} does not answer: {error}") from error
    if not isinstance(answer, dict) or "error" in answer:
        raise FaultError(str(answer.get("error") if isinstance(answer, dict) else answer))
    return answer


def _read(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)
