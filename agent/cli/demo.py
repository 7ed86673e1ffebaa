"""The command `demo`: the main job on a practice fleet, with the same commands a user would type."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from agent.cli.options import Options, globals_, quoted

if TYPE_CHECKING:
    from agent.lab.fleet import Fleet

FAULTS = (
    "require-ssl@EX01",
    "healthy@EX02",
    "require-ssl-128@EX03",
    "inherited-ssl@EX04",
    "child-override@EX05",
    "require-ssl@EX06",
    "psrp-disabled@EX06",
)
RESTART_SECONDS = 3.0
RECORD_FILE = "record.yaml"
HEADER = "# Written by `easfix demo`: for reading the record of its practice fleet, which is gone."


@click.command("demo")
@click.option("--dir", "directory", type=click.Path(path_type=Path, file_okay=False), default=None,
              help="Where the record is kept; a new temporary folder unless given.")  # fmt: skip
@globals_
def command(options: Options, directory: Path | None) -> int:
    """Start a practice fleet on this machine, check it, plan, apply, prove, show the record, and stop the fleet.

    \b
    easfix demo
    easfix demo --dir practice

    Simulated servers on loopback, real protocols, the real scripts. Nothing outside this machine is asked. Afterwards
    the lab says what is really so, and the command fails when that is not what easfix claims.
    """
    from agent.cli.lab import missing_extra
    from agent.errors import UsageError

    if options.json:
        step = "easfix lab up --json starts a practice fleet for a program."
        raise UsageError("the demo is for a person, and has no --json", next_step=step)
    with missing_extra():
        from agent.lab.fleet import Fleet, Pace

    home = directory or Path(tempfile.mkdtemp(prefix="easfix-demo-"))
    record = home / RECORD_FILE
    _refuse_foreign(record)
    pace = Pace(restart_seconds=RESTART_SECONDS, warm_up_seconds=0.5)
    with Fleet(6, 2, FAULTS, pace=pace) as fleet:
        code = _tour(fleet, home, options)
    read = replace(options, config=record)
    print(f"\nThe fleet is stopped. The record lies in {home / 'journal.db'}, the log in {home / 'easfix.log'}.")
    print(f"Read it with:\n  {read.line('history')}\n  {read.line('show last')}")
    return code


def _refuse_foreign(record: Path) -> None:
    """ConfigError where a file stands that an earlier demo has not made."""
    from agent.errors import ConfigError

    if record.exists() and not record.read_text(encoding="utf-8", errors="replace").startswith(HEADER):
        step = "Name another directory, one for the demo alone: easfix demo --dir practice"
        raise ConfigError(
            "easfix demo did not make this file and does not replace it", where=str(record), next_step=step
        )


def _tour(fleet: Fleet, home: Path, options: Options) -> int:
    from agent.lab.layout import CONFIG_FILE, Layout

    layout = Layout(home)
    layout.write(fleet, 0, "")
    try:
        config = ["--config", str(home / CONFIG_FILE), *(["--no-color"] if not options.color else [])]
        plan = str(home / "plan.json")
        _heading("What is there")
        found = _easfix(*config, "check")
        _heading("What would be done, saved under one hash")
        planned = _easfix(*config, "-q", "plan", "-o", plan)
        _heading("Do exactly that")
        applied = _easfix(*config, "apply", plan, "--yes", "--reason", "demonstration")
        _heading("Ask the proxy path again, from here and from both Client Access servers")
        proved = _easfix(*config, "-q", "verify")
        _heading("What is on record")
        _easfix(*config, "history")
        _heading("What the lab itself says is so")
        is_true = _truth(fleet)
    finally:
        _keep(home)
        layout.remove()
    expected = (found, planned, applied, proved) == (2, 2, 0, 0) and is_true
    print(
        "\nAll as claimed." if expected else f"\nNOT as it should be: exit codes {(found, planned, applied, proved)}."
    )
    return 0 if expected else 3


def _keep(home: Path) -> None:
    """A configuration that stays, so that `show` and `history` find the record; the lab's own goes with the lab."""
    from agent.lab.layout import CONFIG_FILE

    lines = (home / CONFIG_FILE).read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith("#")]
    (home / RECORD_FILE).write_text("\n".join([HEADER, *kept, ""]), encoding="utf-8")


def _truth(fleet: Fleet) -> bool:
    """The lab's own account, machine by machine; true when no directory requires SSL and nothing is down."""
    is_good = True
    for account in (each for each in fleet.truth() if each.directories):
        words = [f"{found.path}: {found.flags_memory}" for found in account.directories if "ActiveSync" in found.path]
        down = f", down: {', '.join(account.services_down)}" if account.services_down else ""
        outage = f"{account.iisresets} iisreset, {account.seconds_without_mail:.1f} s without mail"
        print(f"{account.name}  {'; '.join(words)}; {outage}{down}")
        flagged = any(found.flags_memory or found.flags_disk for found in account.directories
                      if "ActiveSync" in found.path)  # fmt: skip
        is_good = is_good and not flagged and not account.services_down and account.iisresets <= 1
    return is_good


def _heading(text: str) -> None:
    print(f"\n== {text}", flush=True)


def _easfix(*arguments: str) -> int:
    """One command line, run here and shown as it would be typed."""
    from agent.cli.main import call

    print(f"$ easfix {' '.join(quoted(word) for word in arguments)}", flush=True)
    code = call(list(arguments))
    sys.stdout.flush()
    return code
