"""`make bench-grid`: the wall time of `easfix verify` over 4 x 20, against its slowest answer and the sum of all.

The lab runs here, easfix is a process of its own that asks over the real wire. Seconds depend on the machine; the
ratios of one run are what counts: near the slowest answer where one server hangs, far below the sum in any case.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from agent.lab.fleet import Fleet, Pace
from agent.lab.layout import CONFIG_FILE, Layout

SERVERS, PROXIES = 20, 4
EASFIX = (sys.executable, "-c", "from agent.cli.main import run; run()")
SLOW_SECONDS = 2.0
SUM_AIM = 1 / 4
"""Of the wall time against the sum of all answers, where every server is slow."""

SLOWEST_AIM = 2.0
"""Of the wall time against the slowest server's own answers, where one is slow; less what a well fleet takes."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One run: seconds in all, of the answers together, and of the server whose answers took longest in turn."""

    wall: float
    sum: float
    slowest: float
    pairs: int
    works: int


def measure(fleet: Fleet, slow: Sequence[str], seconds: float) -> Taken:
    """`easfix verify` with these servers slow."""
    for name, node in fleet.nodes.items():
        node.web_faults.slow_seconds = seconds if name in slow else 0.0
    with tempfile.TemporaryDirectory(prefix="easfix-bench-") as folder:
        home = Path(folder)
        layout = Layout(home)
        layout.write(fleet, 0, "")
        _widen(home / CONFIG_FILE)
        began = time.monotonic()
        command = [*EASFIX, "--config", str(home / CONFIG_FILE), "--json", "-q", "verify", "--beyond-max-servers"]
        done = subprocess.run(command, capture_output=True, check=False)
        wall = time.monotonic() - began
        layout.remove()
    return _taken(json.loads(done.stdout), wall)


def _widen(config: Path) -> None:
    settings = yaml.safe_load(config.read_text(encoding="utf-8"))
    settings["timeouts"] = {**settings.get("timeouts", {}), "probe_seconds": 60}
    settings["run"] = {**settings.get("run", {}), "concurrency": SERVERS}
    config.write_text(yaml.safe_dump(settings), encoding="utf-8")


def _taken(document: dict[str, Any], wall: float) -> Taken:
    """A server is first asked by every origin at once, and then as a phone through every proxy at once."""
    total, slowest = 0.0, 0.0
    for server in document["servers"]:
        took: dict[str, list[float]] = {"hop": [0.0], "end-to-end": [0.0]}
        for proof in server["proof"]:
            seconds = (proof["latency_ms"] or 0.0) / 1000
            total += seconds
            took.setdefault("hop" if proof["probe"] == "hop" else "end-to-end", []).append(seconds)
        slowest = max(slowest, max(took["hop"]) + max(took["end-to-end"]))
    works = sum(cell["state"] == "works" for cell in document["grid"])
    return Taken(wall, total, slowest, len(document["grid"]), works)


def report(name: str, taken: Taken) -> None:
    """One line of the table."""
    print(
        f"{name:<34}{taken.pairs:>6}{taken.works:>7}{taken.wall:>9.2f}{taken.slowest:>9.2f}{taken.sum:>9.2f}"
        f"{taken.wall / taken.slowest:>12.2f}{taken.wall / taken.sum:>9.3f}",
        flush=True,
    )


def main() -> None:
    """Measure and print."""
    titles = f"{'pairs':>6}{'works':>7}{'wall s':>9}{'slowest':>9}{'sum s':>9}{'/ slowest':>12}{'/ sum':>9}"
    print(f"{'easfix verify':<34}{titles}")
    pace = Pace(warm_up_seconds=0.0, proxy_seconds=60.0)
    with Fleet(SERVERS, PROXIES, ["healthy@EX01"], seed=1, pace=pace) as fleet:
        servers = [node.machine.name for node in fleet.servers]
        well = measure(fleet, (), 0.0)
        report("all well", well)
        one = measure(fleet, servers[:1], 2 * SLOW_SECONDS)
        report(f"one answers after {2 * SLOW_SECONDS:.0f} s", one)
        every = measure(fleet, servers, SLOW_SECONDS)
        report(f"each answers after {SLOW_SECONDS:.0f} s", every)
    beyond = (one.wall - well.wall) / one.slowest
    verdict = _judged(beyond <= SLOWEST_AIM)
    print(f"    one slow: {beyond:.2f} x its slowest, beyond a well fleet; aim {SLOWEST_AIM}{verdict}")
    part = every.wall / every.sum
    print(f"    all slow: {part:.3f} of the sum; aim {SUM_AIM}{_judged(part <= SUM_AIM)}")


def _judged(is_reached: bool) -> str:
    return ", reached" if is_reached else ", MISSED"


if __name__ == "__main__":
    main()
