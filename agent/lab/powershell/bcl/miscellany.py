"""Owns small types scripts use: Regex, Guid, StringBuilder, Char tests, Enum, Encoding names, and enumerations."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from typing import Any

from agent.lab.powershell.clr import ClrError, ClrObject, ClrType, method, prop, register, setter
from agent.lab.powershell.conversion import convert
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.matching import expand, expression
from agent.lab.powershell.text import to_string
from agent.lab.powershell.types import ENUMS, TypeObject, register_enum
from agent.lab.powershell.values import EnumKind, TypedArray

REGEX_OPTIONS = register_enum(
    EnumKind(
        "System.Text.RegularExpressions.RegexOptions",
        {"None": 0, "IgnoreCase": 1, "Multiline": 2, "ExplicitCapture": 4, "Compiled": 8, "Singleline": 16},
        flags=True,
    )
)
register_enum(EnumKind("System.StringSplitOptions", {"None": 0, "RemoveEmptyEntries": 1}, flags=True))
register_enum(
    EnumKind(
        "System.StringComparison",
        {
            "CurrentCulture": 0,
            "CurrentCultureIgnoreCase": 1,
            "InvariantCulture": 2,
            "InvariantCultureIgnoreCase": 3,
            "Ordinal": 4,
            "OrdinalIgnoreCase": 5,
        },
    )
)
register_enum(
    EnumKind("System.ConsoleColor", {"Black": 0, "Gray": 7, "Green": 10, "Red": 12, "Yellow": 14, "White": 15})
)
register_enum(
    EnumKind(
        "System.Management.Automation.ActionPreference",
        {"SilentlyContinue": 0, "Stop": 1, "Continue": 2, "Inquire": 3},
    )
)


def _flags(options: Any) -> int:
    number = int(convert(None, options, REGEX_OPTIONS.name)) if options is not None else 0
    if number & 4:
        raise Refused("RegexOptions.ExplicitCapture")
    known = {1: re.IGNORECASE, 2: re.MULTILINE, 16: re.DOTALL}
    return sum(flag for bit, flag in known.items() if number & bit)


class Capture(ClrObject):
    """A match or one of its groups."""

    TYPE = "System.Text.RegularExpressions.Match"

    def __init__(self, found: re.Match[str] | None, group: int | str = 0) -> None:
        """`found` None is a failed match."""
        self.found, self.group = found, group

    def _ok(self) -> bool:
        return self.found is not None and self.found.group(self.group) is not None

    @prop("Success")
    def success(self) -> bool:
        """Whether it took part."""
        return self._ok()

    @prop("Value")
    def value(self) -> str:
        """The text."""
        return self.found.group(self.group) if self.found is not None and self._ok() else ""

    @prop("Index")
    def index(self) -> int:
        """Where it starts."""
        return self.found.start(self.group) if self.found is not None and self._ok() else 0

    @prop("Length")
    def length(self) -> int:
        """How long it is."""
        return len(self.value())

    @prop("Groups")
    def groups(self) -> Groups:
        """All groups, the whole first."""
        return Groups(self.found)

    @method("Result")
    def result(self, template: Any) -> str:
        """A replacement text."""
        return expand(to_string(template), self.found) if self.found is not None else ""

    def ps_string(self) -> str:
        """The text."""
        return self.value()


class Groups(ClrObject):
    """`$match.Groups`."""

    TYPE = "System.Text.RegularExpressions.GroupCollection"

    def __init__(self, found: re.Match[str] | None) -> None:
        """Of this match."""
        self.found = found

    @prop("Count")
    def count(self) -> int:
        """How many, the whole included."""
        return self.found.re.groups + 1 if self.found is not None else 1

    def ps_index(self, key: Any) -> Any:
        """By number or name."""
        if self.found is None:
            return Capture(None)
        known = isinstance(key, str) and key in self.found.re.groupindex
        if known or (isinstance(key, int) and 0 <= key <= self.found.re.groups):
            return Capture(self.found, key)
        return Capture(None)

    def ps_iterate(self) -> Iterator[Any] | None:
        """Each group."""
        return iter([Capture(self.found, number) for number in range(self.count())])


class Regex(ClrObject):
    """System.Text.RegularExpressions.Regex; case matters unless asked otherwise."""

    TYPE = "System.Text.RegularExpressions.Regex"

    def __init__(self, pattern: str, options: Any = None) -> None:
        """Compile it; ArgumentException where it is not valid."""
        self.pattern_text = pattern
        self.compiled = expression(pattern, _flags(options))

    def ps_string(self) -> str:
        """The pattern."""
        return self.pattern_text

    @method("IsMatch")
    def is_match(self, text: Any) -> bool:
        """Whether it occurs."""
        return self.compiled.search(to_string(text)) is not None

    @method("Match")
    def match(self, text: Any) -> Capture:
        """The first occurrence."""
        return Capture(self.compiled.search(to_string(text)))

    @method("Matches")
    def matches(self, text: Any) -> list[Any]:
        """Every occurrence."""
        return [Capture(found) for found in self.compiled.finditer(to_string(text))]

    @method("Replace")
    def replace(self, text: Any, template: Any) -> str:
        """Every occurrence replaced."""
        if not isinstance(template, str):
            raise Refused("Regex.Replace with a match evaluator")
        return self.compiled.sub(lambda found: expand(template, found), to_string(text))

    @method("Split")
    def split(self, text: Any) -> TypedArray:
        """The pieces between."""
        return TypedArray([part for part in self.compiled.split(to_string(text)) if part is not None], "System.String")


def _static(name: str) -> Callable[..., Any]:
    def call(engine: Any, text: Any, pattern: Any, *rest: Any) -> Any:
        arguments = rest[:1] if name == "replace" else ()
        options = rest[1:] if name == "replace" else rest
        regex = Regex(to_string(pattern), options[0] if options else None)
        return getattr(regex, name)(text, *arguments)

    return call


register(
    ClrType(
        "System.Text.RegularExpressions.Regex",
        construct=lambda engine, pattern, options=None: Regex(to_string(pattern), options),
        static={
            "IsMatch": _static("is_match"),
            "Match": _static("match"),
            "Matches": _static("matches"),
            "Replace": _static("replace"),
            "Split": _static("split"),
            "Escape": lambda engine, text: re.sub(r"([\\*+?|{\[()^$.# ])", r"\\\1", to_string(text)),
        },
    ),
    "regex",
)
register(
    ClrType(
        "System.Guid",
        construct=lambda engine, text: convert(None, text, "System.Guid"),
        static={"NewGuid": lambda engine: uuid.UUID(int=engine.machine.rng.getrandbits(128), version=4)},
        constants={"Empty": lambda engine: uuid.UUID(int=0)},
    )
)


class StringBuilder(ClrObject):
    """System.Text.StringBuilder."""

    TYPE = "System.Text.StringBuilder"

    def __init__(self, text: str = "") -> None:
        """Begins with `text`."""
        self.text = text

    @prop("Length")
    def length(self) -> int:
        """How long."""
        return len(self.text)

    @setter("Length")
    def set_length(self, length: Any) -> None:
        """Cut it."""
        self.text = self.text[: int(length)]

    @method("Append")
    def append(self, piece: Any) -> StringBuilder:
        """Add at the end."""
        self.text += to_string(piece)
        return self

    @method("AppendLine")
    def append_line(self, piece: Any = "") -> StringBuilder:
        """Add a line."""
        self.text += to_string(piece) + "\r\n"
        return self

    @method("AppendFormat")
    def append_format(self, template: Any, *arguments: Any) -> StringBuilder:
        """Add a formatted text."""
        from agent.lab.powershell.formatting import composite

        self.text += composite(to_string(template), list(arguments))
        return self

    @method("ToString")
    def to_text(self) -> str:
        """The text."""
        return self.text

    def ps_string(self) -> str:
        """The text."""
        return self.text


register(
    ClrType(
        "System.Text.StringBuilder",
        construct=lambda engine, text="": StringBuilder("" if isinstance(text, int) else to_string(text)),
    )
)


def _char_test(test: Callable[[str], bool]) -> Callable[..., bool]:
    return lambda engine, char, position=None: test(to_string(char)[int(position or 0)])


register(
    ClrType(
        "System.Char",
        static={
            "IsDigit": _char_test(str.isdigit),
            "IsLetter": _char_test(str.isalpha),
            "IsLetterOrDigit": _char_test(str.isalnum),
            "IsWhiteSpace": _char_test(str.isspace),
            "IsUpper": _char_test(str.isupper),
            "IsLower": _char_test(str.islower),
            "ToUpper": lambda engine, char: convert(None, to_string(char).upper(), "System.Char"),
            "ToLower": lambda engine, char: convert(None, to_string(char).lower(), "System.Char"),
        },
    )
)


def _enum_of(kind: Any) -> EnumKind:
    name = kind.full_name_text if isinstance(kind, TypeObject) else to_string(kind)
    found = ENUMS.get(name.lower())
    if found is None:
        raise ClrError("Type provided must be an Enum.\r\nParameter name: enumType", "System.ArgumentException")
    return found


register(
    ClrType(
        "System.Enum",
        static={
            "GetNames": lambda engine, kind: TypedArray(list(_enum_of(kind).members), "System.String"),
            "GetValues": lambda engine, kind: [_enum_of(kind)(name) for name in _enum_of(kind).members],
            "IsDefined": lambda engine, kind, held: (
                to_string(held) in _enum_of(kind).members
                if isinstance(held, str)
                else int(held) in _enum_of(kind).members.values()
            ),
            "Parse": lambda engine, kind, text, fold=False: convert(None, to_string(text), _enum_of(kind).name),
        },
    )
)
register(ClrType("System.GC", static={"Collect": lambda engine, *rest: None}))
register(ClrType("System.IntPtr", constants={"Size": lambda engine: 4 if engine.machine.role.is_2003 else 8}))


def _load(engine: Any, name: Any) -> Any:
    from agent.lab.powershell.bag import CustomObject
    from agent.lab.powershell.cmdlets.loading import ASSEMBLIES

    found = ASSEMBLIES.get(to_string(name).split(",")[0].lower())
    if found is None:
        raise Refused(f"loading the assembly {to_string(name)}")
    return CustomObject({"FullName": found, "GlobalAssemblyCache": True})


register(
    ClrType("System.Reflection.Assembly", static={"LoadWithPartialName": _load, "Load": _load}),
)
