"""Owns the entry point: the list of commands, and how an error becomes words and an exit code."""

from __future__ import annotations

import gc
import importlib
import json
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from agent.cli.options import Options, globals_
from agent.cli.outlets import open_outlets, settle

if TYPE_CHECKING:
    from agent.errors import EasfixError

COMMANDS = {
    "doctor": ("doctor", "Is everything ready, here and there? Changes nothing."),
    "check": ("check", "Look at every server; changes nothing."),
    "plan": ("plan", "Save what would be done, exactly, under one hash."),
    "approve": ("approve", "Agree to a saved plan, on record."),
    "apply": ("apply", "Clear the flag, restart IIS, prove the proxy path."),
    "run": ("run", "Tick after tick: drift, second looks, and the remedy in a window."),
    "verify": ("verify", "Ask the proxy path again; changes nothing."),
    "rollback": ("rollback", "Put back what a run changed."),
    "resume": ("resume", "Finish or settle a run that broke off."),
    "stop": ("stop", "Ask a run to stop after the step under way."),
    "status": ("status", "What is owed: broken-off, unproved, unknown."),
    "history": ("history", "The runs on record."),
    "show": ("show", "One run, server by server, step by step."),
    "config": ("config", "Check the configuration; print its schema."),
    "lab": ("lab", "A practice fleet on this machine."),
    "demo": ("demo", "The main job on a practice fleet, from check to proof."),
    "completion": ("completion", "Completion for bash, zsh and fish."),
}
"""Every command: its module in agent.cli, and the line that `easfix --help` shows without importing it."""

_RANGE = re.compile(r"(-?\d+) is not in the range (\d+)<=x<=(\d+)")

GROUPS = {"config": ("check", "schema"), "lab": ("up", "truth", "fault", "faults")}
"""The commands that have commands of their own; a test compares it with what there is."""

AS_JSON = "agent.cli.json"
"""Key of the context's notes: the command line asks for a document."""

EPILOG = "Start with: easfix demo (a practice fleet), then easfix config check, easfix check, easfix apply --dry-run."


class Commands(click.Group):
    """The commands by name; a command's module is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order of the table, which is the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        found = importlib.import_module(f"agent.cli.{COMMANDS[cmd_name][0]}").command
        assert isinstance(found, click.Command)
        return found

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """As usual; whether a document is wanted is known before the version is told."""
        ctx.meta[AS_JSON] = "--json" in args
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As usual; an unknown command says which one was perhaps meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            import difflib

            near = difflib.get_close_matches(args[0], COMMANDS, n=1)
            hint = f" Did you mean {near[0]!r}?" if near else f" There are: {', '.join(COMMANDS)}."
            raise click.UsageError(f"There is no command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Where to start, and the one table of exit codes."""
        from agent.exits import MEANING

        with formatter.section("Exit codes"):
            formatter.write_dl([(str(int(code)), meaning) for code, meaning in MEANING.items()])
        super().format_epilog(ctx, formatter)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The table, without importing any command."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


def _tell_version(context: click.Context, _: click.Parameter, is_asked: bool) -> None:
    """Print it, as one document where that is wanted."""
    if not is_asked or context.resilient_parsing:
        return
    from importlib.metadata import version

    found = version("easfix")
    document: dict[str, object] = {
        "schema": "easfix/1",
        "command": "version",
        "run": None,
        "exit_code": 0,
        "version": found,
        "servers": [],
    }
    print(json.dumps(document, indent=2) if context.meta[AS_JSON] else f"easfix {found}")
    context.exit(0)


@click.group(
    cls=Commands,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)
@click.option(
    "-V",
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_tell_version,
    help="Show the version and exit.",
)
@globals_
def cli(options: Options) -> None:
    """Clear "Require SSL" where it stops phones behind an Exchange 2007/2010 proxy.

    easfix finds the flag on Exchange 2003 back-ends, clears it, restarts IIS and proves that the proxy path works
    again. It writes down what was before it changes anything, and can put it back.
    """


def run() -> NoReturn:
    """Run the command line and end the process with a code of the table in agent.exits."""
    # Libraries and answers make many objects and few circles: looking for those as often as usual costs 5% of the CPU.
    gc.set_threshold(100_000, 20, 20)
    open_outlets()
    code = settle(call(sys.argv[1:]))
    # At its end Python looks for circles again and again, for a tenth of a second, in memory that goes back anyway.
    gc.freeze()
    sys.exit(code)


def call(arguments: list[str]) -> int:
    """Run one command line and give its exit code; words go to standard error, never a traceback."""
    from agent.errors import EasfixError

    try:
        result = cli.main(arguments, prog_name="easfix", standalone_mode=False)
    except click.exceptions.Exit as done:
        return done.exit_code
    except click.exceptions.NoArgsIsHelpError as error:
        return _help(error, arguments)
    except click.UsageError as error:
        return _usage(error, arguments)
    except (click.Abort, KeyboardInterrupt):
        return _say("interrupted", "", "", 130, arguments)
    except EasfixError as error:
        from agent.exits import of_error

        hint = _given(arguments).typed(_next(error))
        return _say(error.message, error.where, hint, int(of_error(error)), arguments, error.run_ended)
    except OSError as error:
        return _say(f"{error.strerror or error}", str(error.filename or ""), "", 78, arguments)
    except Exception as error:
        return _defect(error, arguments)
    return result if isinstance(result, int) else 0


def _next(error: EasfixError) -> str:
    """What to mend, and, where the error put an end to a run, how to go on with that."""
    from agent.exits import Exit, of_error

    if not error.run_ended or of_error(error) is not Exit.UNCERTAIN:
        return error.next_step
    words = (
        f"Run {error.run_ended} broke off: easfix resume {error.run_ended} looks at the servers and goes on from there."
    )
    return f"{error.next_step.rstrip('. ')}. {words}" if error.next_step else words


def _defect(error: Exception, arguments: list[str]) -> int:
    """A defect of easfix itself: its traceback goes to a file, and what became of the servers is not known."""
    import tempfile
    import traceback

    # No values of variables, and nothing that was fetched as a secret: the words of an error may hold either.
    words = _hide("".join(traceback.format_exception(type(error), error, error.__traceback__)))
    hint = "What was written before stands in the journal: easfix status lists it."
    try:
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", prefix="easfix-defect-", suffix=".txt", delete=False
        ) as file:
            file.write(words)
        hint = f"The details are in {file.name}. {hint}"
    except OSError:
        hint = f"{words.splitlines()[-1]}\n        {hint}"
    return _say(f"a defect of easfix: {type(error).__name__}", "", _given(arguments).typed(hint), 4, arguments)


def _help(error: click.exceptions.NoArgsIsHelpError, arguments: list[str]) -> int:
    """A group without a command: its help, and that something is missing."""
    path = error.ctx.command_path if error.ctx else "easfix"
    if "--json" in arguments:
        return _say("needs a command", path, f"See '{path} --help'.", 64, arguments)
    print(error.format_message())
    print(f"easfix: {path} needs a command; this was '{path} --help'", file=sys.stderr)
    return 64


def _usage(error: click.UsageError, arguments: list[str]) -> int:
    path = error.ctx.command_path if error.ctx else "easfix"
    message, hint = error.format_message(), f"See '{path} --help'."
    if isinstance(error, click.NoSuchOption) and error.option_name in ("--version", "-V"):
        message, hint = "--version stands alone.", "easfix --version"
    elif "unexpected extra argument" in message and _takes(error.ctx, "limit"):
        hint = f"Servers are chosen with --limit NAMES. {hint}"
    return _say(_RANGE.sub(r"\1 is not between \2 and \3", message), path, hint, 64, arguments)


def _takes(context: click.Context | None, option: str) -> bool:
    return context is not None and any(each.name == option for each in context.command.params)


def _say(message: str, where: str, next_step: str, code: int, arguments: list[str], run: str = "") -> int:
    """The error in words on standard error; with --json also as the one document on standard output."""
    message, where, next_step = _hide(message), _hide(where), _hide(next_step)
    lead = where if where.split(" ")[0] == "easfix" else f"easfix: {where}".removesuffix(": ")
    print(f"{lead}: {message}", file=sys.stderr)
    if next_step:
        print(f"        {next_step}", file=sys.stderr)
    if "--json" in arguments:
        from agent.cli.interrupt import envelope

        print(json.dumps(envelope(_command(arguments), run, code, message, where, next_step), indent=2))
    return code


def _given(arguments: list[str]) -> Options:
    """The configuration of a line that may have failed before it was understood."""
    for at, word in enumerate(arguments):
        name, _, value = word.partition("=")
        if name == "--config" and (value or arguments[at + 1 :]):
            return Options(config=Path(value or arguments[at + 1]))
    return Options()


def _command(arguments: list[str]) -> str:
    """The command of a line that may have failed before it was understood; of a group, with what it was to do."""
    words = [word for word in arguments if not word.startswith("-")]
    at = next((index for index, word in enumerate(words) if word in COMMANDS), None)
    if at is None:
        return ""
    inner = words[at + 1] if len(words) > at + 1 else ""
    return f"{words[at]} {inner}" if inner in GROUPS.get(words[at], ()) else words[at]


def _hide(text: str) -> str:
    """The text without any secret that was fetched; none was where the command had no session."""
    session = sys.modules.get("agent.cli.session")
    return text if session is None else str(session.known_secrets().text(text))
