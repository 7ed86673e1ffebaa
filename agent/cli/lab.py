"""The command `lab`: start a practice fleet, ask what is really so, break something."""

from __future__ import annotations

import errno
import json
import math
import secrets
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from agent.cli.options import Options, globals_

if TYPE_CHECKING:
    from agent.lab.fleet import Fleet
    from agent.lab.layout import Layout

SCHEMA = "easfix-lab/1"
DIRECTORY = click.option(
    "--dir", "directory", type=click.Path(path_type=Path, file_okay=False), required=True, help="The lab's directory."
)


def seconds_(_: click.Context, __: click.Parameter, value: float) -> float:
    """A number of seconds, zero or more and not without end."""
    if not 0 <= value < math.inf:
        raise click.BadParameter(f"{value} is not a number of seconds, zero or more.")
    return value


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
@click.option("--restart-seconds", type=float, callback=seconds_, default=12.0, show_default=True,
              help="What an iisreset costs.")  # fmt: skip
@click.option("--warm-up-seconds", type=float, callback=seconds_, default=2.0, show_default=True,
              help="How long the first request to a web site takes after a restart.")  # fmt: skip
@click.option("--proxy-seconds", type=float, callback=seconds_, default=10.0, show_default=True,
              help="When a proxied request times out.")  # fmt: skip
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
    warm_up_seconds: float,
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
        from agent.lab.fleet import Fleet, Pace
        from agent.lab.layout import Layout

    pace = Pace(restart_seconds, warm_up_seconds, proxy_seconds, hop_hangs=hop == "hang")
    with plain_words(directory):
        fleet = Fleet(servers, proxies, faults or None, seed=seed, pace=pace)
        with _stopping() as stop:
            layout = Layout(directory)
            layout.claim()
            try:
                with fleet:
                    _run(fleet, layout, options, stop)
            finally:
                layout.remove()


@command.command()
@DIRECTORY
@click.argument("names", metavar="[SERVER]...", nargs=-1)
@globals_
def truth(options: Options, directory: Path, names: tuple[str, ...]) -> None:
    """Ask the running lab what is really so, machine by machine.

    \b
    easfix lab truth --dir practice
    easfix lab truth --dir practice EX01 EX02
    easfix lab truth --dir practice --json
    """
    answer = _ask(directory, "truth")
    answer["machines"] = _chosen(answer["machines"], names)
    if options.json:
        print(json.dumps({"schema": SCHEMA, **answer}, indent=2))
        return
    from agent.lab.words import machine_lines, user_lines

    for machine in answer["machines"]:
        for line in machine_lines(machine):
            print(line)
    for line in user_lines(answer["users"]):
        print(line)


@command.command()
@DIRECTORY
@click.argument("faults", metavar="NAME[=ARG]@SERVER...", nargs=-1, required=True)
@click.option("--clear", is_flag=True, help="Take these faults away again, and nothing else.")
@globals_
def fault(options: Options, directory: Path, faults: tuple[str, ...], clear: bool) -> None:
    """Break something in the running lab, or take it away again; in force when the command returns.

    \b
    easfix lab fault --dir practice unreachable@EX01
    easfix lab fault --dir practice slow=5@EX02 basic-only@EX03
    easfix lab fault --dir practice --clear unreachable@EX01
    easfix lab fault --dir practice healthy@EX01

    --clear takes away a fault of the wire, of the disk or of iisreset, and leaves every setting as it is. `healthy`
    puts the whole machine back to what it was when it was built, settings too.
    """
    what, word = ("lift", "lifted") if clear else ("fault", "injected")
    for each in faults:
        answer = _ask(directory, what, fault=each)
        if not options.json:
            print(f"{word} {answer[word]}")
    if options.json:
        print(json.dumps({"schema": SCHEMA, word: list(faults)}, indent=2))


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
        rows = [
            {
                "name": each.name,
                "argument": each.argument,
                "default": each.default,
                "on": each.on.value,
                "at_start_only": each.at_start_only,
                "sentence": each.sentence,
            }
            for each in FAULTS.values()
        ]
        print(json.dumps({"schema": SCHEMA, "faults": rows}, indent=2))
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


@contextmanager
def plain_words(directory: Path) -> Iterator[None]:
    """What the lab says is wrong, with what to do next."""
    from agent.errors import ConfigError, UsageError
    from agent.lab.claim import Taken
    from agent.lab.faults import FaultError
    from agent.lab.layout import Foreign

    try:
        yield
    except FaultError as error:
        raise UsageError(str(error), next_step="Every fault in a sentence: easfix lab faults") from error
    except Taken as error:
        step = f"Stop it (Ctrl-C), ask it (easfix lab truth --dir {directory}), or name another directory."
        raise UsageError(f"a lab runs in {directory} already", next_step=step) from error
    except Foreign as error:
        step = "Name another directory, one for the lab alone: easfix lab up --dir practice"
        raise ConfigError(str(error.strerror), where=str(error.filename), next_step=step) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise ConfigError(_reason(error), where=str(error.filename or ""), next_step=_way_out(error)) from error


def _reason(error: OSError) -> str:
    return error.strerror or str(error)


def _way_out(error: OSError) -> str:
    if error.errno in (errno.EMFILE, errno.ENFILE):
        return "Name fewer --servers, or raise the limit first: ulimit -n 65536"
    if error.errno in (errno.EADDRINUSE, errno.EADDRNOTAVAIL):
        return "Name fewer --servers: this machine has no more free ports on 127.0.0.1."
    return "Name a directory that can be made and written: easfix lab up --dir practice"


@contextmanager
def _stopping() -> Iterator[threading.Event]:
    """An event that each way of asking the process to end sets, from the first moment on."""
    from agent.cli.bell import Bell
    from agent.cli.interrupt import NAMES

    stop = threading.Event()
    with ExitStack() as exits:
        bell = exits.enter_context(Bell(stop))
        for name in NAMES:
            if number := getattr(signal, name, None):
                exits.callback(signal.signal, number, signal.signal(number, lambda _number, _frame: bell.ring()))
        yield stop


def _run(fleet: Fleet, layout: Layout, options: Options, stop: threading.Event) -> None:
    """From the first file on: written once every port answers."""
    from agent.lab.control import Control

    token = secrets.token_hex(16)
    control = Control(fleet, token)
    port = fleet.call(control.start())
    try:
        layout.write(fleet, port, token)
        print(_ready(fleet, layout.directory, port, as_json=options.json), flush=True)
        while not stop.wait(1.0):  # bounded: on Windows a signal is seen only between waits
            pass
    finally:
        fleet.call(control.stop())


def _ready(fleet: Fleet, directory: Path, port: int, *, as_json: bool) -> str:
    from agent.lab.layout import CONFIG_FILE, endpoints

    if as_json:
        return json.dumps({"ready": True, "config": str(directory / CONFIG_FILE), **endpoints(fleet, port)})
    servers, proxies = len(fleet.servers), len(fleet.proxies)
    counts = f"{servers} server{'s'[: servers != 1]}, {proxies} prox{'y' if proxies == 1 else 'ies'}, seed {fleet.seed}"
    return f"ready: easfix --config {directory / CONFIG_FILE} check   ({counts}; Ctrl-C ends it)"


def _ask(directory: Path, what: str, **more: str) -> dict[str, Any]:
    with missing_extra():
        from agent.lab.control import LabGone, ask
    from agent.errors import ConfigError

    try:
        with plain_words(directory):
            return ask(directory, what, **more)
    except LabGone as error:
        raise ConfigError(str(error), next_step=f"Start one: easfix lab up --dir {directory}") from error


def _chosen(machines: list[dict[str, Any]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    """The machines of these names, all where none is named."""
    import difflib

    from agent.errors import UnknownName
    from agent.lab.words import spans

    known = {machine["name"]: machine for machine in machines}
    for name in names:
        if name.upper() not in known:
            near = tuple(difflib.get_close_matches(name.upper(), known))
            hint = f"Did you mean {near[0]}?" if near else f"There are: {spans(known)}."
            raise UnknownName(f"there is no server {name} in this lab", meant=near, next_step=hint)
    return [known[name.upper()] for name in names] or machines
