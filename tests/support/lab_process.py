"""A practice lab as a process of its own, driven by its commands."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

DEADLINE = 60.0
EASFIX = [sys.executable, "-c", "from agent.cli.main import run; run()"]


class Lab:
    """A running `easfix lab up`."""

    def __init__(self, home: Path, *arguments: str, temporary: Path | None = None) -> None:
        self.home = home
        environment = {**os.environ, **({"TMPDIR": str(temporary)} if temporary else {})}
        self.process = subprocess.Popen(
            [*EASFIX, "lab", "up", "--dir", str(home), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )
        self.ready = self._first_line()

    def _first_line(self) -> str:
        assert self.process.stdout is not None
        timer = threading.Timer(DEADLINE, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        return line

    def file(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.home / "lab.json").read_text(encoding="utf-8"))
        return found

    def ports(self) -> list[int]:
        machines = self.file()["machines"]
        return [each[name] for each in machines for name in ("winrm", "http", "https")]

    def end(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Ask it to end; its exit code and what else it said."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=DEADLINE)
        return self.process.returncode, out + err


def easfix(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*EASFIX, *arguments], capture_output=True, text=True, timeout=DEADLINE)


def listens(port: int) -> bool:
    with socket.socket() as made:
        return made.connect_ex(("127.0.0.1", port)) == 0


def flags(document: dict[str, Any], name: str) -> list[int]:
    machine = next(each for each in document["machines"] if each["name"] == name)
    return [each["flags_memory"] for each in machine["directories"] if each["path"].endswith("ActiveSync")]
