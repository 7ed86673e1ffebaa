"""`make bench-1000`: a thousand practice servers changed over the real wire, in waves, by one process.

It must finish, its memory must stay bounded, and its record must open. A restart costs nothing here: what is measured
is easfix. Wall and CPU depend on the machine; the lab's own machines share it. Linux only: it reads /proc.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import dataclass

from tests.bench.agent import EASFIX, Cost, Lab, lab, measure, report

SERVERS, CONCURRENCY = 1000, 32
MEMORY_AIM = 300.0  # megabytes of the process that changes them all
CHANGED = "changed"


@dataclass(frozen=True)
class Opened:
    """What a command made of the record."""

    cost: Cost
    servers: int
    changed: int


def change(running: Lab, concurrency: int) -> Cost:
    """All of them, a canary first and waves that grow to the whole width."""
    command = [*EASFIX, "--config", str(running.config), "-q", "--json", "apply", "--yes", "--beyond-max-servers"]
    return measure(command, environment={**os.environ, "EASFIX_RUN__CONCURRENCY": str(concurrency)})


def opened(running: Lab, *arguments: str) -> Opened:
    """Open the record again, in a process of its own; counted, and its cost measured."""
    command = [*EASFIX, "--config", str(running.config), "-q", "--json", *arguments]
    document = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    found = document["servers"] or [each for run in document.get("runs", []) for each in run.get("servers", [])]
    changed = sum(each.get("state") == CHANGED for each in found)
    return Opened(measure(command), len(found), changed)


def main(arguments: list[str]) -> int:
    """The table, and 1 where something is not as it should be."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", type=int, default=SERVERS)
    parser.add_argument("--concurrency", type=int, default=CONCURRENCY)
    given = parser.parse_args(arguments)
    print(f"{'':<34}{'n':>5}{'wall s':>9}{'CPU s':>8}{'peak MB':>9}")
    with lab(given.servers) as running:
        cost = change(running, given.concurrency)
        report(f"easfix apply, {given.concurrency} at once", given.servers, cost)
        shown = opened(running, "show", "last")
        report("easfix show last --json", given.servers, shown.cost)
        history = opened(running, "history")
        report("easfix history --json", given.servers, history.cost)
        status = opened(running, "status")
        report("easfix status --json", given.servers, status.cost)
        size = sum(path.stat().st_size for path in running.directory.glob("journal.db*")) / 1e6
    print(f"{shown.changed} of {shown.servers} changed; the journal has {size:.1f} MB; {status.servers} owed")
    is_good = cost.code == 0 and shown.changed == given.servers and cost.memory <= MEMORY_AIM and not status.servers
    print("as it should be" if is_good else f"NOT as it should be: exit {cost.code}, {cost.memory:.0f} MB")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
