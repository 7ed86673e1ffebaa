"""`make bench-lab`: what 300 machines of the practice lab cost, idle and under rounds of PSRP, beside the aims.

The lab is `easfix lab up` in a process of its own. The clients are unmodified pypsrp in further processes. A round is
a pool opened, one script, the pool closed: nine requests on two connections. Wall depends on how many cores the
clients leave to the lab; the lab's own CPU for a round is what counts. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MACHINES = 300
MEMORY_AIM = 100.0  # megabytes
CPU_AIM = 20.0  # milliseconds of the lab's CPU for a round: 50 rounds a second and core
IDLE_CPU_AIM = 1.0  # percent of a core
IDLE_SECONDS, ROUND_SECONDS = 5.0, 8.0
CLIENTS, THREADS = 2, 8
DETECT = Path(__file__).resolve().parents[2] / "playbooks" / "eas-require-ssl" / "detect.ps1"
EASFIX = (sys.executable, "-c", "from agent.cli.main import run; run()")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table; `aim` is what it should not exceed, None where there is none."""

    what: str
    value: float
    unit: str
    aim: float | None = None


class Lab:
    """A running lab, and what its process has used."""

    def __init__(self, process: subprocess.Popen[str], home: Path, started: float) -> None:
        self.process = process
        self.home = home
        self.started = started
        self._stat = Path(f"/proc/{process.pid}")

    def memory(self) -> float:
        """Resident megabytes."""
        pages = int((self._stat / "statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6

    def cpu(self) -> float:
        """Seconds of CPU so far, user and system."""
        fields = (self._stat / "stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def files(self) -> int:
        """Open files."""
        return len(list((self._stat / "fd").iterdir()))


@contextmanager
def running(machines: int) -> Iterator[Lab]:
    """A lab of so many healthy machines."""
    with tempfile.TemporaryDirectory(prefix="easfix-bench-") as folder:
        home = Path(folder) / "lab"
        command = [*EASFIX, "lab", "up", "--dir", str(home), "--servers", str(machines), "--proxies", "0"]
        before = time.monotonic()
        with subprocess.Popen(
            [*command, "--fault", "healthy@EX01"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None and process.stderr is not None
            if not process.stdout.readline().startswith("ready"):
                raise RuntimeError(process.stderr.read())
            try:
                yield Lab(process, home, time.monotonic() - before)
            finally:
                process.terminate()
                process.wait(30)


def measure(machines: int, seconds: float) -> list[Row]:
    """Every line of the table."""
    with running(machines) as lab:
        rows = [
            Row(f"start of {machines} machines until every port answers", lab.started, "s"),
            Row("memory, idle", lab.memory(), "MB", MEMORY_AIM),
            Row("open files", lab.files(), ""),
            Row("CPU, idle", _idle(lab), "% of a core", IDLE_CPU_AIM),
        ]
        _rounds(lab, "1 + 1", 1.0)  # the first ones import and compile
        rows += _loaded(lab, "", "1 + 1", seconds, CPU_AIM)
        rows += _loaded(lab, ", detect.ps1", DETECT.read_text(encoding="utf-8"), seconds, None)
        rows.append(Row("memory, afterwards", lab.memory(), "MB"))
    return rows


def _idle(lab: Lab) -> float:
    before = lab.cpu()
    time.sleep(IDLE_SECONDS)
    return 100 * (lab.cpu() - before) / IDLE_SECONDS


def _loaded(lab: Lab, words: str, script: str, seconds: float, aim: float | None) -> list[Row]:
    before = lab.cpu()
    rounds, wall = _rounds(lab, script, seconds)
    cost = 1000 * (lab.cpu() - before) / rounds
    return [
        Row(f"rounds a second{words}, {CLIENTS} clients", rounds / wall, "1/s"),
        Row(f"CPU of the lab for a round{words}", cost, "ms", aim),
        Row(f"that is, rounds a second and core{words}", 1000 / cost, "1/s"),
    ]


def _rounds(lab: Lab, script: str, seconds: float) -> tuple[int, float]:
    """Let the clients go round; how many rounds they made, in how many seconds."""
    words = [sys.executable, "-m", "tests.bench.lab", "--client", str(lab.home), "--seconds", str(seconds)]
    clients = [
        subprocess.Popen([*words, "--first", str(number)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(CLIENTS)
    ]
    answers = []
    for client in clients:
        assert client.stdin is not None
        client.stdin.write(script)
        client.stdin.close()
        client.stdin = None
    for client in clients:
        out, _ = client.communicate(timeout=120)
        if client.returncode:
            raise RuntimeError("a client failed")
        answers.append(json.loads(out))
    return sum(each["rounds"] for each in answers), max(each["wall"] for each in answers)


# --- the client ------------------------------------------------------------------------------------------------


def client(home: Path, script: str, seconds: float, first: int) -> dict[str, Any]:
    """Rounds over every `CLIENTS`th machine, in several threads, each machine by one thread at a time."""
    ports = [each["winrm"] for each in json.loads((home / "lab.json").read_text(encoding="utf-8"))["machines"]]
    password = (home / "secrets" / "easfix").read_text(encoding="utf-8").rstrip("\n")
    mine = ports[first::CLIENTS]
    counts = [0] * THREADS
    began = time.monotonic()

    def work(thread: int) -> None:
        number = thread
        while time.monotonic() - began < seconds:
            _round(mine[number % len(mine)], password, script)
            counts[thread] += 1
            number += THREADS

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return {"rounds": sum(counts), "wall": time.monotonic() - began}


def _round(port: int, password: str, script: str) -> None:
    from pypsrp.powershell import PowerShell, RunspacePool
    from pypsrp.wsman import WSMan

    wsman = WSMan("127.0.0.1", port=port, ssl=False, username=r"LAB\easfix", password=password, auth="ntlm",
                  encryption="always", no_proxy=True)  # fmt: skip
    with wsman, RunspacePool(wsman) as pool:
        shell = PowerShell(pool)
        shell.add_script(script)
        if not shell.invoke():
            raise RuntimeError([str(error) for error in shell.streams.error])


# --- the table -------------------------------------------------------------------------------------------------


def table(rows: Sequence[Row]) -> str:
    """The rows in columns, with the ratio to the aim."""
    width = max(len(row.what) for row in rows)
    lines = [f"{'':<{width}}  {'measured':>20}  {'aim':>8}  ratio"]
    for row in rows:
        measured = f"{row.value:.1f} {row.unit}".strip()
        aim = "" if row.aim is None else f"<= {row.aim:g}"
        ratio = "" if row.aim is None else f"{row.value / row.aim:.2f}{'' if row.value <= row.aim else '  missed'}"
        lines.append(f"{row.what:<{width}}  {measured:>20}  {aim:>8}  {ratio}".rstrip())
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print; 1 where it could not be measured."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.lab", description=__doc__)
    parser.add_argument("--machines", type=int, default=MACHINES)
    parser.add_argument("--seconds", type=float, default=ROUND_SECONDS, help="how long each kind of round is measured")
    parser.add_argument("--client", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    if given.client:
        print(json.dumps(client(given.client, sys.stdin.read(), given.seconds, given.first)))
        return 0
    if not Path("/proc/self/statm").exists():
        print("cannot measure: there is no /proc here", file=sys.stderr)
        return 1
    try:
        rows = measure(given.machines, given.seconds)
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        print(f"cannot measure: {error}", file=sys.stderr)
        return 1
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
