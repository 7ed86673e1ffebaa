"""The command `lab`: start a practice fleet, ask what is really so, break something."""

from __future__ import annotations

import json
import secrets
import signal
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.options import Options, globals_

if TYPE_CHECKING:
    from agent.lab.fleet import Fleet

DIRECTORY = click.option(
    "--dir", "directory", type=click.Path(path_type=Path, file_okay=False), required=True, help="The lab's directory."
)


@click.group("lab")
@globals_
def command(options: Options) -> None:
    """A practice fleet on this machine: simulated servers on loopback, real protocols, real scripts.

    \b
    easfix lab up --dir practice --servers 4 --fault require-ssl@EX01 --fault slow=5@EX02
    easfix --config practice/config.yaml check
    easfix lab truth --dir practice
    """


@command.command()
@DIRECTORY
@click.option("--servers", type=click.IntRange(1, 2000), default=12, show_default=True, help="Exchange 2003 servers.")
@click.option("--proxies", type=click.IntRange(0, 100), default=2, show_default=True, help="Client Access servers.")
@click.option("--fault", "faults", multiple=True, metavar="NAME[=ARG]@SERVER", help="What is wrong; may be repeated.")
@click.option("--seed", type=int, default=None, help="Makes everything that is left to chance the same again.")
@click.option("--restart-seconds", type=float, default=12.0, show_default=True, help="What an iisreset costs.")
@click.option("--proxy-seconds", type=float, default=10.0, show_default=True, help="When a proxied request times out.")
@click.option("--hop", type=click.Choice(["hang", "403"]), default="hang", show_default=True,
              help="What the proxy makes of a back-end that requires SSL.")  # fmt: skip
@globals_
def up(
    options: Options,
    directory: Path,
    servers: int,
    proxies: int,
    faults: tuple[str, ...],
    seed: int | None,
    restart_seconds: float,
    proxy_seconds: float,
    hop: str,
) -> None:
    """Start a fleet, print one `ready` line, run until interrupted, and leave nothing behind.

    \b
    easfix lab up --dir practice
    easfix lab up --dir practice --servers 2 --proxies 1 --fault inherited-ssl@EX01 --fault healthy@EX02

    Without --fault the servers show each common case. `easfix lab faults` lists the faults.
    """
    with missing_extra():
        from agent.lab.faults import FaultError
        from agent.lab.fleet import Fleet, Pace

    pace = Pace(restart_seconds=restart_seconds, proxy_seconds=proxy_seconds, hop_hangs=hop == "hang")
    try:
        fleet = Fleet(servers, proxies, faults or None, seed=seed, pace=pace)
    except FaultError as error:
        raise click.UsageError(str(error)) from error
    _refuse_second(directory)
    with fleet:
        _run(fleet, directory, options)


@command.command()
@DIRECTORY
@globals_
def truth(options: Options, directory: Path) -> None:
    """Ask the running lab what is really so, machine by machine.

    \b
    easfix lab truth --dir practice
    easfix lab truth --dir practice --json
    """
    answer = _ask(directory, "truth")
    if options.json:
        print(json.dumps({"schema": "easfix-lab/1", **answer}, indent=2))
        return
    for machine in answer["machines"]:
        _show(machine)


@command.command()
@DIRECTORY
@click.argument("fault", metavar="NAME[=ARG]@SERVER")
@globals_
def fault(options: Options, directory: Path, fault: str) -> None:
    """Break something in the running lab.

    \b
    easfix lab fault --dir practice unreachable@EX01
    easfix lab fault --dir practice slow=5@EX02
    """
    answer = _ask(directory, "fault", fault=fault)
    print(json.dumps({"schema": "easfix-lab/1", **answer}) if options.json else f"injected {fault}")


@command.command()
@globals_
def faults(options: Options) -> None:
    """List every fault the lab knows, with one sentence each.

    \b
    easfix lab faults
    """
    with missing_extra():
        from agent.lab.faults import FAULTS

    if options.json:
        rows = [{"name": each.name, "argument": each.argument, "sentence": each.sentence} for each in FAULTS.values()]
        print(json.dumps({"schema": "easfix-lab/1", "faults": rows}, indent=2))
        return
    names = {each.name + (f"[={each.argument}]" if each.argument else ""): each.sentence for each in FAULTS.values()}
    width = max(map(len, names))
    for name, sentence in names.items():
        print(f"{name:<{width}}  {sentence}")


class missing_extra:  # noqa: N801 - reads as a statement: with missing_extra()
    """Says which extra is needed where the lab's libraries are not installed."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        if isinstance(error, ModuleNotFoundError) and not (error.name or "").startswith("agent"):
            raise click.UsageError(f"the lab needs {error.name}: pip install 'easfix[lab]'") from error


def _refuse_second(directory: Path) -> None:
    from agent.lab.control import LabGone, ask

    try:
        ask(directory, "truth")
    except LabGone:
        return
    raise click.UsageError(f"a lab runs in {directory} already; stop it, or name another directory")


def _run(fleet: Fleet, directory: Path, options: Options) -> None:
    """From the first file to the last: written once every port answers, removed however it ends."""
    from agent.lab.control import Control
    from agent.lab.layout import CONFIG_FILE, Layout, endpoints

    token = secrets.token_hex(16)
    control = Control(fleet, token)
    port = fleet.call(control.start())
    layout = Layout(directory)
    stop = threading.Event()
    for name in ("SIGINT", "SIGTERM", "SIGBREAK"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), lambda _number, _frame: stop.set())
    try:
        layout.write(fleet, port, token)
        if options.json:
            print(json.dumps({"ready": True, "config": str(directory / CONFIG_FILE), **endpoints(fleet, port)}))
        else:
            counts = f"{len(fleet.servers)} servers, {len(fleet.proxies)} proxies, seed {fleet.seed}"
            print(f"ready: easfix --config {directory / CONFIG_FILE} check   ({counts}; Ctrl-C ends it)")
        sys.stdout.flush()
        while not stop.wait(1.0):  # bounded: on Windows a signal is seen only between waits
            pass
    finally:
        fleet.call(control.stop())
        layout.remove()


def _ask(directory: Path, what: str, **more: str) -> dict[str, Any]:
    with missing_extra():
        from agent.lab.control import LabGone, ask
        from agent.lab.faults import FaultError
    from agent.errors import ConfigError

    try:
        return ask(directory, what, **more)
    except LabGone as error:
        raise ConfigError(str(error), next_step=f"Start one: easfix lab up --dir {directory}") from error
    except FaultError as error:
        raise click.UsageError(str(error)) from error


def _show(machine: dict[str, Any]) -> None:
    state = "up" if machine["online"] else "down"
    print(f"{machine['name']}  {machine['role']}, {state}, {machine['iisresets']} iisresets, "
          f"{machine['seconds_without_mail']:.1f} s without mail, {len(machine['scripts'])} scripts, "
          f"{machine['requests_served']} requests")  # fmt: skip
    for found in machine["directories"]:
        print(f"    {found['path']}: memory {_flags(found, 'memory')}, disk {_flags(found, 'disk')}, "
              f"AuthFlags {found['auth_flags']}")  # fmt: skip
        for path, flags in found["children"].items():
            print(f"    {path}: {flags} of its own")
    if machine["services_down"]:
        print(f"    down that ran before: {', '.join(machine['services_down'])}")


def _flags(found: dict[str, Any], where: str) -> str:
    at = found[f"set_at_{where}"]
    origin = "default" if at is None else "own" if at == found["path"] else f"from {at or 'the root'}"
    return f"{found[f'flags_{where}']} ({origin})"
