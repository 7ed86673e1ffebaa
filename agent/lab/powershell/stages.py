"""Owns functions, filters, script blocks and scripts as stages of a pipeline."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.binding import Bound, Flag, Slot, bind, failure
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.common import Common
from agent.lab.powershell.conversion import convert
from agent.lab.powershell.errors import InvocationInfo, Refused, ReturnFlow
from agent.lab.powershell.members import peek_member
from agent.lab.powershell.parameters import ParameterSpec, validate
from agent.lab.powershell.scope import MISSING, Context, Scope
from agent.lab.powershell.text import to_string
from agent.lab.powershell.types import resolve
from agent.lab.powershell.values import Hashtable

if TYPE_CHECKING:
    from agent.lab.powershell.scriptblock import BlockCode, Function

Write = Callable[[Any], None]
SWITCH = "System.Management.Automation.SwitchParameter"


class FunctionStage:
    """One call of a function: its scope, its parameters, its three parts."""

    def __init__(
        self,
        context: Context,
        function: Function,
        arguments: Sequence[Any],
        write: Write,
        *,
        dotted: bool = False,
        line: int = 0,
        script: str = "",
    ) -> None:
        """`arguments` are values and Flags (or (None, value) pairs); `dotted` runs in the caller's scope."""
        self.code: BlockCode = function.code
        self.name = function.name
        given = [each[1] if isinstance(each, tuple) else each for each in arguments]
        self.scope = context.scope if dotted else Scope(context.scope, is_script=bool(script))
        self.advanced = self.code.advanced
        self.caller, self.line, self.script = context, line, script
        self.slots = [self._slot(spec, position) for position, spec in enumerate(self.code.parameters)]
        self._order_positions()
        bound = bind(self.slots, given, advanced=self.advanced)
        self.common = Common(context, bound.common, write)
        self.write = self.common.write
        self.items: list[Any] = []
        self.bound: dict[str, Any] = {}
        self._enter(bound)

    def _inside(self) -> Context:
        """Where its parts run; made anew, because one that is kept would hold what holds it."""
        caller = self.caller
        return Context(caller.engine, self.scope, caller.errors, self, caller.source)

    def _slot(self, spec: ParameterSpec, position: int) -> Slot:
        if not spec.settings and not spec.alias_values:
            return _plain_slot(spec.name, spec.type_text, position)
        context = self.caller
        kind = resolve(spec.type_text) if spec.type_text else ""
        given = spec.setting(context, "position")
        return Slot(
            spec.name,
            kind,
            int(given) if given is not None else None if kind == SWITCH else 1000 + position,
            spec.flag(context, "mandatory"),
            spec.flag(context, "valuefrompipeline"),
            spec.flag(context, "valuefrompipelinebypropertyname"),
            spec.flag(context, "valuefromremainingarguments"),
            spec.aliases(context),
        )

    def _order_positions(self) -> None:
        """Where one parameter has an explicit position, the others have none."""
        if any(slot.position is not None and slot.position < 1000 for slot in self.slots):
            self.slots = [
                slot if slot.position is not None and slot.position < 1000 else _unplaced(slot) for slot in self.slots
            ]

    def _enter(self, bound: Bound) -> None:
        values = self.scope.values
        self.scope.values["myinvocation"] = InvocationInfo(self.name, self.line, self.code.text, self.script)
        for spec, slot in zip(self.code.parameters, self.slots, strict=True):
            key = slot.name.lower()
            if key in bound.values:
                self._put(spec, slot, bound.values[key])
        if not self.advanced:
            values["args"] = bound.left
        for spec, slot in zip(self.code.parameters, self.slots, strict=True):
            if slot.name.lower() not in bound.values:
                self._default(spec, slot)
        values["psboundparameters"] = Hashtable(self.bound)
        self.common.apply(self.scope)

    def _put(self, spec: ParameterSpec, slot: Slot, held: Any) -> None:
        converted = held
        if slot.kind:
            converted = self._converted(slot, held)
        if slot.mandatory:
            _refuse_empty(spec, converted)
        validate(self.caller, spec, converted)
        self.scope.values[slot.name.lower()] = converted
        self.bound[slot.name] = converted
        if slot.kind and slot.kind != SWITCH:
            self.scope.types[slot.name.lower()] = slot.kind

    def _converted(self, slot: Slot, held: Any) -> Any:
        try:
            return convert(self.caller.engine, held, slot.kind)
        except ClrError as error:
            raise failure(
                f"Cannot process argument transformation on parameter '{slot.name}'. {error.message}",
                "ParameterArgumentTransformationError",
            ) from error

    def _default(self, spec: ParameterSpec, slot: Slot) -> None:
        key = slot.name.lower()
        if spec.default is not None:
            held = spec.default(self._inside())
            self.scope.values[key] = convert(self.caller.engine, held, slot.kind) if slot.kind else held
        else:
            self.scope.values[key] = _initial(slot.kind)
        if slot.kind and slot.kind != SWITCH:
            self.scope.types[key] = slot.kind

    def _missing(self) -> None:
        absent = [slot.name for slot in self.slots if slot.mandatory and slot.name not in self.bound]
        if absent:
            raise failure(
                "Cannot process command because of one or more missing mandatory parameters: " + " ".join(absent) + ".",
                "MissingMandatoryParameter",
            )

    def begin(self) -> None:
        """Run the begin part."""
        takes = any(slot.by_value or slot.by_property for slot in self.slots)
        if not takes:
            self._missing()
        self._part(self.code.begin)

    def process(self, item: Any) -> None:
        """Take one pipeline object; MISSING where there is no pipeline input."""
        if item is not MISSING:
            self._bind_item(item)
        elif any(slot.by_value or slot.by_property for slot in self.slots):
            self._missing()
        if self.code.process is None:
            if item is not MISSING:
                self.items.append(item)
            return
        if item is not MISSING:
            self.scope.values["_"] = item
            self.scope.values["input"] = [item]
        self._part(self.code.process)

    def _bind_item(self, item: Any) -> None:
        takers = [
            (spec, slot)
            for spec, slot in zip(self.code.parameters, self.slots, strict=True)
            if (slot.by_value or slot.by_property)
        ]
        for spec, slot in takers:
            if slot.by_value:
                self._put(spec, slot, item)
        for spec, slot in takers:
            if slot.by_property and not slot.by_value:
                held = next(
                    (found for name in (slot.name, *slot.aliases) if (found := peek_member(item, name)) is not MISSING),
                    MISSING,
                )
                if held is not MISSING:
                    self._put(spec, slot, held)
        self._missing()

    def end(self) -> None:
        """Run the end part with $input."""
        if self.code.process is None:
            self.scope.values["input"] = self.items
        self._part(self.code.end)
        self.common.finish()

    def _part(self, part: Any) -> None:
        if part is None:
            return
        try:
            part(self._inside(), self.write)
        except ReturnFlow:
            pass
        except Refused as refusal:
            refusal.line = refusal.line or self.line
            raise


@functools.lru_cache(maxsize=1024)
def _plain_slot(name: str, type_text: str | None, position: int) -> Slot:
    """Of a parameter without attributes, which is the same at each call."""
    kind = resolve(type_text) if type_text else ""
    return Slot(name, kind, None if kind == SWITCH else 1000 + position)


def _unplaced(slot: Slot) -> Slot:
    return Slot(slot.name, slot.kind, None, slot.mandatory, slot.by_value, slot.by_property, slot.rest, slot.aliases)


def _initial(kind: str) -> Any:
    """A typed parameter that got nothing holds its type's zero; a reference type $null, a string the empty one."""
    if kind in ("", "System.Object") or kind.endswith("[]"):
        return None
    try:
        return convert(None, None, kind)
    except ClrError:
        return None


def _refuse_empty(spec: ParameterSpec, held: Any) -> None:
    kind = ""
    if held is None and not spec.allows("allownull"):
        kind = "null"
    elif held == "" and isinstance(held, str) and not spec.allows("allowemptystring"):
        kind = "an empty string"
    elif isinstance(held, list) and not held and not spec.allows("allowemptycollection"):
        kind = "an empty array"
    if kind:
        raise failure(
            f"Cannot bind argument to parameter '{spec.name}' because it is {kind}.", "ParameterArgumentValidationError"
        )


def flags_of(table: Hashtable) -> list[Flag]:
    """The arguments of a splatted hashtable."""
    return [Flag(to_string(key), held) for key, held in table.items()]
