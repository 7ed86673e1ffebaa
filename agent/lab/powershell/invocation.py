"""Owns one call of one cmdlet: what its parameters got, and where its output and errors go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.binding import Slot, bind, failure
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.common import Common
from agent.lab.powershell.conversion import convert, to_bool
from agent.lab.powershell.errors import MISUSE, ErrorRecord, Refused, Terminate
from agent.lab.powershell.failures import category_of, error_id, preference
from agent.lab.powershell.members import peek_member
from agent.lab.powershell.scope import MISSING
from agent.lab.powershell.text import to_string
from agent.lab.powershell.types import resolve

if TYPE_CHECKING:
    from agent.lab.powershell.command import Cmdlet, Parameter
    from agent.lab.powershell.engine import Engine
    from agent.lab.powershell.scope import Context
    from agent.lab.powershell.scriptblock import ScriptBlock

NOTHING = MISSING  # no pipeline input at all, which is not $null
SWITCH = "System.Management.Automation.SwitchParameter"
_SLOTS: dict[str, list[Slot]] = {}
_TAKERS: dict[str, list[Slot]] = {}


def slots_of(cmdlet: Cmdlet) -> list[Slot]:
    """The cmdlet's parameters as the binder sees them."""
    key = cmdlet.name.lower()
    if key not in _SLOTS:
        _SLOTS[key] = [_slot(parameter) for parameter in cmdlet.parameters]
    return _SLOTS[key]


def _takers_of(cmdlet: Cmdlet) -> list[Slot]:
    """Those that take pipeline input. An empty object that comes down the pipeline is no argument left out."""
    key = cmdlet.name.lower()
    if key not in _TAKERS:
        taking = [slot for slot in slots_of(cmdlet) if slot.by_value or slot.by_property]
        _TAKERS[key] = [replace(slot, mandatory=False) for slot in taking]
    return _TAKERS[key]


def _slot(parameter: Parameter) -> Slot:
    return Slot(
        parameter.name,
        _kind(parameter.kind),
        parameter.position,
        parameter.mandatory,
        parameter.by_value,
        parameter.by_property,
        rest=parameter.rest,
        aliases=parameter.aliases,
    )


def _kind(text: str) -> str:
    if text.lower() in ("object", "psobject", ""):
        return ""
    try:
        return resolve(text)
    except Refused:
        return ""  # a type only the binding knows: it gets the value as it is


class Invocation:
    """What a cmdlet function gets; see `command.cmdlet`. `state` is the cmdlet's own, kept from begin to end."""

    def __init__(
        self, context: Context, cmdlet: Cmdlet, arguments: Sequence[Any], write: Callable[[Any], None], line: int = 0
    ) -> None:
        """`context` is the caller's; `write` is the next command's input."""
        self.context = context
        self.cmdlet = cmdlet
        self.line = line
        self.state: dict[str, Any] = {}
        self.input: Any = NOTHING  # the current pipeline object, NOTHING when the cmdlet stands first
        self.bound: dict[str, Any] = {}  # lower-case name -> converted value
        self.failed = False
        self._slots = slots_of(cmdlet)
        found = bind(self._slots, arguments, advanced=True)
        self.common = Common(context, found.common, write)
        for slot in self._slots if found.values else ():
            key = slot.name.lower()
            if key in found.values:
                self.bound[key] = self._convert(slot, found.values[key])
        self._takers = [slot for slot in _takers_of(cmdlet) if slot.name.lower() not in self.bound]

    @property
    def engine(self) -> Engine:
        """The running engine."""
        return self.context.engine

    @property
    def name(self) -> str:
        """The cmdlet's name."""
        return self.cmdlet.name

    def __getitem__(self, parameter: str) -> Any:
        return self.bound.get(parameter.lower())

    def __contains__(self, parameter: str) -> bool:
        return parameter.lower() in self.bound

    def switch(self, parameter: str) -> bool:
        """Whether the switch is on."""
        return to_bool(self.bound.get(parameter.lower()))

    def write(self, value: Any) -> None:
        """Write one object to the pipeline (an array is written as one object: use write_all to unroll)."""
        self.common.write(value)

    def write_all(self, values: Sequence[Any]) -> None:
        """Write each."""
        for value in values:
            self.common.write(value)

    def error(self, error: ClrError | ErrorRecord, error_id: str = "", category: str = "", target: Any = None) -> None:
        """A non-terminating error; raises where -ErrorAction or $ErrorActionPreference is Stop."""
        record = error if isinstance(error, ErrorRecord) else self.record(error, error_id, category, target)
        self.failed = True
        action = self.common.error_action or preference(self.context)
        self.common.note(record)
        if action in ("stop", "inquire"):
            raise Terminate(record, final=True)
        self.engine.keep(record)
        self.engine.ok = False
        if action == "continue":
            self.context.errors(record)

    def record(self, error: ClrError, given_id: str = "", category: str = "", target: Any = None) -> ErrorRecord:
        """An error record of this cmdlet: the id gets the cmdlet's name, as PowerShell does it."""
        base = given_id or error_id(error)
        owner = "".join(part[:1].upper() + part[1:] for part in self.name.split("-")) + "Command"
        full = base if "," in base else f"{base},Microsoft.PowerShell.Commands.{owner}"
        return ErrorRecord(error, full, category or category_of(error), target, activity=self.name, line=self.line)

    def warning(self, text: str) -> None:
        """A warning."""
        action = self.common.warning_action or self._preference("warningpreference")
        if self.common.warnings is not None:
            self.common.warnings.append(text)
        if action == "stop":
            raise Terminate(self.record(ClrError(text), "ActionPreferenceStop"), final=True)
        if action != "silentlycontinue":
            self.engine.sink.warning(text)

    def verbose(self, text: str) -> None:
        """A verbose message, seen with -Verbose or $VerbosePreference."""
        shown = self.common.verbose
        if shown is None:
            shown = self._preference("verbosepreference") not in ("silentlycontinue", "")
        if shown:
            self.engine.sink.verbose(text)

    def _preference(self, name: str) -> str:
        held = self.context.scope.find(name)
        return "" if held is MISSING else to_string(held).lower()

    def call(self, block: ScriptBlock, arguments: Sequence[Any] = (), *, underscore: Any = NOTHING) -> list[Any]:
        """Run a script block in the caller's scope and collect its output; with arguments, in a scope of its own."""
        if arguments:
            return block.collect(self.context, arguments, underscore=underscore)
        items: list[Any] = []
        block.run_here(self.context, items.append, underscore)
        return items

    # What the pipeline calls.

    def begin(self) -> None:
        """Check what must be there, and run the cmdlet's begin step."""
        if not self._takers:
            self._missing()
        if self.cmdlet.begin is not None:
            self._run(self.cmdlet.begin)

    def process(self, item: Any) -> None:
        """Run the process step for one object, or once without input."""
        self.input = item
        if item is not MISSING and not self._bind_item(item):
            return
        if item is MISSING:
            self._missing()
        if self.cmdlet.process is not None:
            self._run(self.cmdlet.process)

    def end(self) -> None:
        """Run the end step."""
        if self.cmdlet.end is not None:
            self._run(self.cmdlet.end)

    def _run(self, step: Callable[[Invocation], None]) -> None:
        self.engine.check()
        try:
            step(self)
        except ClrError as error:
            record = self.record(error)
            self.common.note(record)
            raise Terminate(record, final=self.common.error_action == "stop") from error
        except Refused as refusal:
            refusal.line = refusal.line or self.line
            raise
        except MISUSE as error:
            raise Refused(f"{self.name} with these arguments ({error})", self.line) from error

    def _convert(self, slot: Slot, held: Any) -> Any:
        if slot.kind == SWITCH:
            return to_bool(held)
        if not slot.kind or (held is None and not slot.mandatory):
            return held
        if held is None or (slot.mandatory and held == "" and isinstance(held, str)):
            empty = "null" if held is None else "an empty string"
            raise failure(
                f"Cannot bind argument to parameter '{slot.name}' because it is {empty}.",
                "ParameterArgumentValidationErrorNullNotAllowed",
            )
        if slot.kind == "System.String" and isinstance(held, list):
            raise failure(
                f"Cannot convert 'System.Object[]' to the type 'System.String' required by parameter '{slot.name}'. "
                "Specified method is not supported.",
                "CannotConvertArgument",
            )
        try:
            return convert(self.engine, held, slot.kind)
        except ClrError as error:
            raise failure(
                f"Cannot bind parameter '{slot.name}'. {error.message}", "CannotConvertArgumentNoMessage"
            ) from error

    def _missing(self) -> None:
        absent = [slot.name for slot in self._slots if slot.mandatory and slot.name.lower() not in self.bound]
        if absent:
            raise failure(
                "Cannot process command because of one or more missing mandatory parameters: " + " ".join(absent) + ".",
                "MissingMandatoryParameter",
            )

    def _bind_item(self, item: Any) -> bool:
        """Bind one pipeline object by value, else by property; False after a non-terminating error."""
        for slot in self._takers:
            self.bound.pop(slot.name.lower(), None)
        bound = False
        for slot in self._takers:
            bound = self._bind_one(slot, item) or bound
        absent = any(slot.mandatory and slot.name.lower() not in self.bound for slot in self._slots)
        return True if bound and not absent else self._reject(item)

    def _bind_one(self, slot: Slot, item: Any) -> bool:
        held = MISSING
        if slot.by_property:
            names = (slot.name, *slot.aliases)
            held = next((found for name in names if (found := peek_member(item, name)) is not MISSING), MISSING)
        if slot.by_value and held is MISSING:
            held = item
        if held is MISSING:
            return False
        try:
            self.bound[slot.name.lower()] = self._convert(slot, held)
        except ClrError:
            return False
        return True

    def _reject(self, item: Any) -> bool:
        self.error(
            failure(
                "The input object cannot be bound to any parameters for the command either because the command does "
                "not take pipeline input or the input and its properties do not match any of the parameters that take "
                "pipeline input.",
                "InputObjectNotBound",
            ),
            target=item,
        )
        return False
