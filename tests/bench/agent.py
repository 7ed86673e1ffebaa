"""`make bench`: what a fleet costs the machine that runs easfix, beside Ansible in the same run where it is installed.

Everything is measured on the practice lab, whose restart costs nothing here. Wall and CPU depend on the machine; the
ratios of one run are what counts. CPU and memory are those of the whole process tree; requests are counted by the lab.
"""

from __future__ import annotations

import argparse
import compileall
import json
import os
import shutil
import signal
import statistics
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

import agent

SIZES = (1, 10, 50, 200)
ANSIBLE_SIZE, ANSIBLE_ROUNDS = 50, 3
"""Servers, and how often either is measured, by turns: of the ratios, the one in the middle counts."""

EASFIX = (sys.executable, "-c", "from agent.cli.main import run; run()")
AIMS = {"wall": 1 / 5, "cpu": 1 / 8, "memory": 1 / 20}
"""Against Ansible's `raw` over psrp with forks=50, at 50 servers."""

REQUESTS_AIM = 9
WAVES = {"EASFIX_RUN__CANARY": "0", "EASFIX_RUN__FIRST_WAVE": "16"}
"""All 16 threads at work from the first server on: what is measured is the work, not the caution of an operator."""

RESTART_SERVERS, RESTART_SECONDS, RESTART_THREADS, RESTART_AIM = 64, 10.0, 16, 1.25


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one command: seconds, seconds of CPU, peak megabytes of the process tree, exit code."""

    wall: float
    cpu: float
    memory: float
    code: int


class Lab:
    """A running `easfix lab up`, asked through its own commands."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.config = directory / "config.yaml"

    def requests(self) -> int:
        """WinRM requests that all servers have received so far."""
        return sum(machine["counts"].get("winrm_requests", 0) for machine in self._machines())

    def _machines(self) -> list[dict[str, Any]]:
        done = subprocess.run(
            [*EASFIX, "lab", "truth", "--dir", str(self.directory), "--json"], capture_output=True, check=True
        )
        machines: list[dict[str, Any]] = json.loads(done.stdout)["machines"]
        return machines


@contextmanager
def lab(servers: int, *more: str, restart: float = 0.0) -> Iterator[Lab]:
    """A practice fleet in which every server has the fault."""
    faults = [word for number in range(servers) for word in ("--fault", f"require-ssl@EX{number + 1:02}")]
    with tempfile.TemporaryDirectory(prefix="easfix-bench-") as folder:
        directory = Path(folder) / "lab"
        arguments = ["lab", "up", "--dir", str(directory), "--servers", str(servers), "--proxies", "0"]
        process = subprocess.Popen(
            [*EASFIX, *arguments, "--restart-seconds", str(restart), "--warm-up-seconds", "0", *faults, *more],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        if not process.stdout.readline().startswith("ready"):
            raise SystemExit("the lab did not start")
        try:
            yield Lab(directory)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def measure(command: Sequence[str], cwd: Path | None = None, environment: dict[str, str] | None = None) -> Cost:
    """Run a command; its output goes to the bin, its cost is returned."""
    started = time.monotonic()
    process = subprocess.Popen(
        command, cwd=cwd, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    peak = Peak(process.pid)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak.stop(), process.returncode)


class Peak:
    """Watches the resident memory of a process and its descendants (shared pages counted once a process: PSS)."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._most = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """End watching; the peak in MB."""
        self._over.set()
        self._thread.join()
        return self._most

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            self._most = max(self._most, sum(_pss(pid) for pid in _tree(self._pid)))


def _tree(root: int) -> list[int]:
    """The process and all that descend from it, whatever sessions they made for themselves.

    Asked of the processes themselves: to read of every process whose child it is takes a twentieth of the machine away
    from what is measured.
    """
    found = [root]
    for pid in found:
        try:
            for task in Path(f"/proc/{pid}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
        except OSError:  # it has ended meanwhile
            continue
    return found


def _knows_children() -> bool:
    """The kernel must be built with CONFIG_PROC_CHILDREN, as those of the distributions are."""
    return Path(f"/proc/self/task/{threading.get_native_id()}/children").exists()


def _pss(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


def easfix(running: Lab, *arguments: str) -> Cost:
    """One easfix command against the lab."""
    return measure([*EASFIX, "--config", str(running.config), "-q", *arguments])


def apply(running: Lab) -> Cost:
    """All that is to be done in the lab, in waves of 16."""
    command = [*EASFIX, "--config", str(running.config), "-q", "apply", "--yes", "--beyond-max-servers"]
    return measure(command, environment={**os.environ, **WAVES})


def report(name: str, servers: int, cost: Cost, requests: float | None = None) -> None:
    """One line of the table."""
    asked = f"{requests:9.1f}" if requests is not None else " " * 9
    print(
        f"{name:<34}{servers:>5}{cost.wall:>9.2f}{cost.cpu:>8.2f}{cost.memory:>9.1f}{asked}   exit {cost.code}",
        flush=True,
    )


def bench_sizes(sizes: Sequence[int]) -> None:
    """`check` and `apply` for each size of fleet."""
    for servers in sizes:
        with lab(servers) as running:
            before = running.requests()
            cost = easfix(running, "check", "--beyond-max-servers")
            asked = (running.requests() - before) / servers
            report("easfix check", servers, cost, asked)
            if asked > REQUESTS_AIM:
                print(f"    MISSED: at most {REQUESTS_AIM} requests a server")
            before = running.requests()
            cost = apply(running)
            report("easfix apply", servers, cost, (running.requests() - before) / servers)


def bench_restarts() -> None:
    """64 servers, 16 threads, a restart of 10 s each: near the ideal of 4 x 10 s."""
    with lab(RESTART_SERVERS, restart=RESTART_SECONDS) as running:
        cost = apply(running)
        report(f"easfix apply, restart {RESTART_SECONDS:.0f} s", RESTART_SERVERS, cost)
    ideal = RESTART_SERVERS / RESTART_THREADS * RESTART_SECONDS
    ratio = cost.wall / ideal
    print(f"    {ratio:.2f} x the ideal {ideal:.0f} s; aim {RESTART_AIM}{_judged(ratio <= RESTART_AIM)}")


def bench_ansible() -> None:
    """Ansible's raw over psrp and a check at the same fleet size, and the ratios."""
    program = shutil.which("ansible", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if program is None:
        print("Ansible is not installed, so there is no comparison: make bench BENCH=1")
        return
    rounds = [_beside(program) for _ in range(ANSIBLE_ROUNDS)]
    for name, aim in AIMS.items():
        ratios = sorted(getattr(ours, name) / getattr(theirs, name) for ours, theirs in rounds)
        ratio, every = statistics.median(ratios), ", ".join(f"{each:.3f}" for each in ratios)
        print(f"    check / ansible, {name}: {ratio:.3f} of {every}, aim {aim:.3f}{_judged(ratio <= aim)}")


def _beside(program: str) -> tuple[Cost, Cost]:
    """The cost of one check, and of one round of Ansible, each on a fleet of its own."""
    with lab(ANSIBLE_SIZE) as running:
        ours = easfix(running, "check", "--beyond-max-servers")
    report("easfix check", ANSIBLE_SIZE, ours)
    with lab(ANSIBLE_SIZE) as running, tempfile.TemporaryDirectory(prefix="easfix-ansible-") as folder:
        home = Path(folder)
        (home / "hosts.json").write_text(json.dumps(_inventory(running)), encoding="utf-8")
        environment = {**os.environ, "ANSIBLE_HOME": folder, "ANSIBLE_LOCALHOST_WARNING": "0"}
        command = [program, "all", "-i", str(home / "hosts.json"), "-f", "50", "-m", "raw", "-a", "hostname"]
        theirs = measure(command, cwd=home, environment=environment)
    report("ansible raw hostname, psrp", ANSIBLE_SIZE, theirs)
    return ours, theirs


def _inventory(running: Lab) -> dict[str, Any]:
    password = (running.directory / "secrets" / "easfix").read_text(encoding="utf-8").strip()
    machines = json.loads((running.directory / "lab.json").read_text(encoding="utf-8"))["machines"]
    common = {
        "ansible_connection": "psrp",
        "ansible_host": "127.0.0.1",
        "ansible_user": "LAB\\easfix",
        "ansible_password": password,
        "ansible_psrp_protocol": "http",
        "ansible_psrp_auth": "ntlm",
    }
    hosts = {machine["name"]: {**common, "ansible_port": machine["winrm"]} for machine in machines}
    return {"all": {"hosts": hosts}}


def _judged(is_reached: bool) -> str:
    return ", reached" if is_reached else ", MISSED"


def compile_all() -> None:
    """As pip leaves an installed package, and Ansible: a checkout may be without, or be kept from writing any."""
    compileall.compile_dir(Path(agent.__file__).parent, quiet=1)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--without-restarts", action="store_true")
    given = parser.parse_args()
    if not _knows_children():
        parser.error("this needs Linux, with a kernel that tells the children of a process (CONFIG_PROC_CHILDREN)")
    compile_all()
    print(f"{'':<34}{'hosts':>5}{'wall s':>9}{'cpu s':>8}{'MB':>9}{'requests':>9}")
    bench_sizes(given.sizes)
    if ANSIBLE_SIZE in given.sizes:
        bench_ansible()
    if not given.without_restarts:
        bench_restarts()


if __name__ == "__main__":
    main()
