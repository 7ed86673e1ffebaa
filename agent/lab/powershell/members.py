"""Owns reading, writing and calling members of any value, and indexing."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from agent.lab.powershell.bcl.natives import METHODS, PROPERTIES, natural_type
from agent.lab.powershell.clr import ClrError, ClrObject, MissingMember
from agent.lab.powershell.conversion import convert
from agent.lab.powershell.errors import MISUSE, Refused
from agent.lab.powershell.extended import Extended, extended_of
from agent.lab.powershell.failures import fault
from agent.lab.powershell.scope import MISSING
from agent.lab.powershell.types import ENUMS, TypeObject, find_type, no_such_type, type_name
from agent.lab.powershell.values import Hashtable, TypedArray

if TYPE_CHECKING:
    from agent.lab.powershell.scope import Context

RUNTIME = "System.Management.Automation.RuntimeException"
_A = "System.Management.Automation."
_LATER = {"where", "foreach", "new"}  # methods of PowerShell 4 and 5


def peek_member(value: Any, name: str) -> Any:
    """The value of a property for binding by property name, MISSING where there is none."""
    if value is None:
        return MISSING
    extra = extended_of(value).get(name.lower()) if isinstance(value, ClrObject) else None
    if extra is not None and extra.is_note:
        return extra.held
    if isinstance(value, Hashtable):
        return MISSING
    if isinstance(value, ClrObject):
        try:
            return value.ps_get(name)
        except MissingMember:
            return MISSING
    getter = PROPERTIES.get(natural_type(value), {}).get(name.lower())
    return MISSING if getter is None else getter(value)


def get_member(context: Context, value: Any, name: str) -> Any:
    """`$value.name`: $null where there is no such property."""
    if value is None:
        return _absent(context, name)
    lower = name.lower()
    if isinstance(value, ClrObject):
        return _get_object(context, value, name, lower)
    if lower in ("psobject", "psbase"):
        return _intrinsic(value, lower)
    getter = PROPERTIES.get(natural_type(value), {}).get(lower)
    return _absent(context, name) if getter is None else getter(value)


def _absent(context: Context, name: str) -> Any:
    strict = context.scope.strict
    if strict is not None and strict != "1.0":
        raise ClrError(
            f"Property '{name}' cannot be found on this object. Make sure that it exists.",
            _A + "PropertyNotFoundException",
            bases=(RUNTIME,),
        )
    return None


def _get_object(context: Context, value: ClrObject, name: str, lower: str) -> Any:
    extra = extended_of(value).get(lower)
    if extra is not None:
        return _get_extended(context, value, extra)
    try:
        return value.ps_get(name)
    except MissingMember:
        return _intrinsic(value, lower) if lower in ("psobject", "psbase") else _absent(context, name)
    except ClrError as error:
        raise _wrapped(
            error, f'Exception getting "{name}": "{error.message}"', "GetValueInvocationException"
        ) from error


def _intrinsic(value: Any, lower: str) -> Any:
    if lower == "psbase":
        return value
    from agent.lab.powershell.reflection import ObjectView

    return ObjectView(value)


def _get_extended(context: Context, value: ClrObject, extra: Extended) -> Any:
    if extra.kind == "ScriptProperty":
        return _first(extra.held.collect(_this(context, value), []))
    if extra.kind == "AliasProperty":
        return get_member(context, value, extra.held)
    if extra.kind == "ScriptMethod":
        raise Refused(f"the script method {extra.name} as a value")
    return extra.held


def _this(context: Context, value: Any) -> Context:
    from agent.lab.powershell.scope import Scope

    inner = context.inside(Scope(context.scope))
    inner.scope.values["this"] = value
    return inner


def _first(items: list[Any]) -> Any:
    return None if not items else items[0] if len(items) == 1 else items


def _wrapped(error: ClrError, text: str, kind: str) -> ClrError:
    """The PowerShell exception around a .NET one; its own are not wrapped again."""
    if error.type_name.startswith(_A):
        return error
    return ClrError(text, _A + kind, bases=(RUNTIME,), inner=error, hresult=error.hresult)


def set_member(context: Context, value: Any, name: str, held: Any) -> None:
    """`$value.name = held`."""
    if isinstance(value, ClrObject):
        extra = extended_of(value).get(name.lower())
        if extra is not None:
            if not extra.is_note:
                raise Refused(f"assignment to the {extra.kind} {name}")
            extra.held = held
            return
        try:
            value.ps_set(name, held)
            return
        except MissingMember:
            pass
        except ClrError as error:
            text = f'Exception setting "{name}": "{error.message}"'
            raise _wrapped(error, text, "SetValueInvocationException") from error
        if name.lower() in (each.lower() for each in value.ps_properties()):
            raise ClrError(f"'{name}' is a ReadOnly property.", RUNTIME)
    raise fault(
        f"Property '{name}' cannot be found on this object; make sure it exists and is settable.", "PropertyNotFound"
    )


def call_member(context: Context, value: Any, name: str, arguments: Sequence[Any]) -> Any:
    """`$value.name(arguments)`."""
    if value is None:
        raise fault("You cannot call a method on a null-valued expression.", "InvokeMethodOnNull")
    lower = name.lower()
    if isinstance(value, ClrObject):
        extra = extended_of(value).get(lower)
        if extra is not None and extra.kind == "ScriptMethod":
            return _first(extra.held.collect(_this(context, value), arguments))
        return _call_object(context, value, name, lower, arguments)
    table = METHODS.get(natural_type(value), {})
    function = table.get(lower) or METHODS["object"].get(lower)
    if function is not None:
        return invoke(name, arguments, lambda: function(context.engine, value, *arguments))
    if natural_type(value) in METHODS and lower not in _LATER:
        raise Refused(f"the method {name}() of [{type_name(value)}]")
    raise _no_method(value, name, lower)


def _no_method(value: Any, name: str, lower: str) -> Exception:
    if lower in _LATER:
        return Refused(f"the method {name}() is not in PowerShell 2.0")
    return fault(
        f"Method invocation failed because [{type_name(value)}] doesn't contain a method named '{name}'.",
        "MethodNotFound",
    )


def _call_object(context: Context, value: ClrObject, name: str, lower: str, arguments: Sequence[Any]) -> Any:
    call = value.ps_call
    if getattr(value, "takes_context", False):
        call = functools.partial(value.call_in, context)  # type: ignore[attr-defined] # promised by takes_context
    try:
        return invoke(name, arguments, lambda: call(name, arguments))
    except MissingMember:
        function = METHODS["object"].get(lower)
        if function is None:
            raise _no_method(value, name, lower) from None
        return invoke(name, arguments, lambda: function(context.engine, value, *arguments))


_ARITY = re.compile(r"positional argument|unexpected keyword")


def invoke(name: str, arguments: Sequence[Any], call: Callable[[], Any]) -> Any:
    """Call .NET code; its exception comes back wrapped, a wrong number of arguments as PowerShell words it."""
    try:
        return call()
    except ClrError as error:
        count = len(arguments)
        text = f'Exception calling "{name}" with "{count}" argument(s): "{error.message}"'
        raise _wrapped(error, text, "MethodInvocationException") from error
    except MISUSE as error:
        if not isinstance(error, TypeError) or not _ARITY.search(str(error)):
            raise Refused(f"{name}() with these arguments ({error})") from error
        raise ClrError(
            f'Cannot find an overload for "{name}" and the argument count: "{len(arguments)}".',
            _A + "MethodException",
            bases=(RUNTIME,),
        ) from error


def _type_of(value: Any) -> TypeObject:
    if isinstance(value, TypeObject):
        return value
    raise Refused(f"a static member of a value of type [{type_name(value)}]")


def get_static(engine: Any, value: Any, name: str) -> Any:
    """`[Type]::name`."""
    kind = _type_of(value).full_name_text
    enum = ENUMS.get(kind.lower())
    if enum is not None:
        found = enum.find(name)
        if found is None or "," in name:
            raise Refused(f"[{kind}]::{name}")
        return found
    declared = find_type(kind)
    if declared is None:
        raise Refused(f"[{kind}]::{name}")
    getter = declared.constants.get(name.lower())
    if getter is None:
        raise Refused(f"[{kind}]::{name}")
    return getter(engine)


def call_static(engine: Any, value: Any, name: str, arguments: Sequence[Any]) -> Any:
    """`[Type]::name(arguments)`."""
    kind = _type_of(value).full_name_text
    declared = find_type(kind)
    lower = name.lower()
    function = declared.static.get(lower) if declared else None
    if function is None and kind.lower() in ENUMS:
        function = METHODS["enumtype"].get(lower)
    if function is None:
        later = " is not in PowerShell 2.0" if lower == "new" else ""
        raise Refused(f"[{kind}]::{name}(){later}")
    found = function
    return invoke(name, arguments, lambda: found(engine, *arguments))


def set_static(engine: Any, value: Any, name: str, held: Any) -> None:
    """`[Type]::name = held`: a binding declares `set_name` among the static methods."""
    kind = _type_of(value).full_name_text
    declared = find_type(kind)
    function = declared.static.get(f"set_{name.lower()}") if declared else None
    if function is None:
        raise Refused(f"assignment to [{kind}]::{name}")
    function(engine, held)


def construct(engine: Any, name: str, arguments: Sequence[Any]) -> Any:
    """`New-Object name arguments`."""
    declared = find_type(name)
    if declared is None:
        raise no_such_type(name)
    if declared.construct is None:
        raise Refused(f"New-Object {name}")
    maker = declared.construct
    return invoke(".ctor", arguments, lambda: maker(engine, *arguments))


def get_index(value: Any, key: Any) -> Any:
    """`$value[key]`: negative counts from the end, an array of keys gives an array, outside is $null."""
    if value is None:
        raise fault("Cannot index into a null array.", "NullArray")
    if isinstance(value, ClrObject):
        return _index_object(value, key)
    if isinstance(value, (list, str, tuple)):
        if isinstance(key, list):
            return [held for each in key if (held := _item(value, each)) is not MISSING]
        held = _item(value, key)
        return None if held is MISSING else held
    raise fault(f"Unable to index into an object of type {type_name(value)}.", "CannotIndex")


def _index_object(value: ClrObject, key: Any) -> Any:
    try:
        return value.ps_index(key)
    except MissingMember:
        raise fault(f"Unable to index into an object of type {type_name(value)}.", "CannotIndex") from None


def _item(value: Any, key: Any) -> Any:
    from agent.lab.powershell.values import Char

    position = int(convert(None, key, "System.Int32"))
    if not -len(value) <= position < len(value):
        return MISSING
    return Char(value[position]) if isinstance(value, str) else value[position]


def set_index(value: Any, key: Any, held: Any) -> None:
    """`$value[key] = held`."""
    if value is None:
        raise fault("Cannot index into a null array.", "NullArray")
    if isinstance(value, ClrObject):
        try:
            value.ps_set_index(key, held)
            return
        except MissingMember:
            raise fault(f"Unable to index into an object of type {type_name(value)}.", "CannotIndex") from None
    if not isinstance(value, list) or isinstance(key, list):
        raise fault(f"Unable to index into an object of type {type_name(value)}.", "CannotIndex")
    position = int(convert(None, key, "System.Int32"))
    if not -len(value) <= position < len(value):
        raise ClrError(
            f"Array assignment failed because index '{position}' was out of range.",
            RUNTIME,
            inner=ClrError("Index was outside the bounds of the array.", "System.IndexOutOfRangeException"),
        )
    value[position] = convert(None, held, value.kind) if isinstance(value, TypedArray) else held
