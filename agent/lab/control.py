"""Owns the line to a running lab: one JSON question and one JSON answer a connection, loopback only, with a token."""

from __future__ import annotations

import asyncio
import hmac
import json
import socket
from dataclasses import asdict
from pathlib import Path
from typing import Any

from agent.lab.faults import FaultError
from agent.lab.fleet import Fleet

LIMIT = 64 * 1024
"""A question is never longer than this, in bytes."""
LONGEST_ANSWER = 256 * 1024 * 1024
PATIENCE = 30.0
"""Seconds that either side waits for the other's words."""

LAB_FILE, TOKEN_FILE = "lab.json", "lab.token"
_WRONG_TOKEN = "wrong token"


class LabGone(Exception):  # noqa: N818 - what happened, in the operator's words
    """There is no running lab behind a directory."""


class Control:
    """Answers questions about one fleet; lives on the fleet's loop."""

    def __init__(self, fleet: Fleet, token: str, *, patience: float = PATIENCE) -> None:
        self._fleet = fleet
        self._token = token.encode()
        self._patience = patience
        self._server: asyncio.Server | None = None
        self._talks: set[asyncio.Task[None]] = set()

    async def start(self) -> int:
        """Listen; the port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=LIMIT)
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop listening, and end the conversations that are not over."""
        if self._server is not None:
            self._server.close()
        for talk in self._talks:
            talk.cancel()
        if self._talks:
            await asyncio.wait(self._talks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk is not None
        self._talks.add(talk)
        try:
            async with asyncio.timeout(self._patience):
                line = await reader.readline()
            answer = await asyncio.to_thread(self._answer, line)
        except ValueError:
            answer = {"error": f"a question has at most {LIMIT} bytes"}
        except (ConnectionError, TimeoutError, asyncio.CancelledError):
            writer.transport.abort()
            return
        finally:
            self._talks.discard(talk)
        await self._reply(writer, answer)

    async def _reply(self, writer: asyncio.StreamWriter, answer: dict[str, Any]) -> None:
        try:
            writer.write(json.dumps(answer).encode() + b"\n")
            async with asyncio.timeout(self._patience):
                await writer.drain()
        except (ConnectionError, TimeoutError):
            writer.transport.abort()
        writer.close()

    def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            question = json.loads(line)
        except (ValueError, RecursionError):
            return {"error": "not JSON"}
        if not isinstance(question, dict) or not self._is_token(question.get("token")):
            return {"error": _WRONG_TOKEN}
        try:
            return self._do(str(question.get("do")), question)
        except FaultError as error:
            return {"error": str(error)}

    def _is_token(self, given: object) -> bool:
        return isinstance(given, str) and hmac.compare_digest(given.encode("utf-8", "replace"), self._token)

    def _do(self, what: str, question: dict[str, Any]) -> dict[str, Any]:
        match what:
            case "truth":
                users = [asdict(user) for user in self._fleet.users()]
                return {"machines": [each.document() for each in self._fleet.truth()], "users": users}
            case "fault":
                self._fleet.fault(str(question.get("fault")))
                return {"injected": question.get("fault")}
            case "lift":
                self._fleet.lift(str(question.get("fault")))
                return {"lifted": question.get("fault")}
        return {"error": f"no such question: {what}"}


def ask(directory: Path, what: str, **more: str) -> dict[str, Any]:
    """Put a question to the lab that runs behind this directory; LabGone, or FaultError with the lab's own words."""
    try:
        endpoint = json.loads((directory / LAB_FILE).read_text(encoding="utf-8"))["control"]
        token = (directory / TOKEN_FILE).read_text(encoding="ascii").strip()
        question = json.dumps({"token": token, "do": what, **more}).encode() + b"\n"
        answer = json.loads(_exchange((endpoint["host"], int(endpoint["port"])), question))
    except FileNotFoundError as error:
        raise LabGone(f"no lab runs in {directory}: there is no {Path(error.filename).name}") from None
    except ConnectionRefusedError:
        raise LabGone(f"the lab of {directory} is gone: it ended without clearing up, and nobody answers") from None
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise LabGone(f"the lab of {directory} does not answer: {error}") from error
    if not isinstance(answer, dict) or answer.get("error") == _WRONG_TOKEN:
        raise LabGone(f"the lab of {directory} is gone: something else answers on its port")
    if "error" in answer:
        raise FaultError(str(answer["error"]))
    return answer


def _exchange(endpoint: tuple[str, int], question: bytes) -> bytes:
    """The answer, whole; ConnectionError where there is none or far too much of it."""
    with socket.create_connection(endpoint, timeout=PATIENCE) as connection:
        connection.sendall(question)
        parts, size = [], 0
        while part := connection.recv(65536):
            parts.append(part)
            size += len(part)
            if size > LONGEST_ANSWER:
                raise ConnectionError("the answer has no end")
    if not parts:
        raise ConnectionError("the connection was closed without an answer")
    return b"".join(parts)
