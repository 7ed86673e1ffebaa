"""Owns Format-List, Format-Table, Format-Wide and the CSV and string-data conversions."""

from __future__ import annotations

import csv
import io
from typing import Any

from agent.lab.powershell.bag import CustomObject
from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.cmdlets.selecting import computed, gather, label_of, start
from agent.lab.powershell.command import Parameter, cmdlet
from agent.lab.powershell.conversion import iterate
from agent.lab.powershell.errors import Refused
from agent.lab.powershell.invocation import Invocation
from agent.lab.powershell.layout import Formatted, listing, table
from agent.lab.powershell.matching import like
from agent.lab.powershell.reflection import property_names
from agent.lab.powershell.registering import staged
from agent.lab.powershell.text import to_string
from agent.lab.powershell.types import type_name
from agent.lab.powershell.values import Hashtable

_INPUT = Parameter("InputObject", by_value=True)
_PROPERTY = Parameter("Property", "Object[]", position=0)


def _rows(invocation: Invocation) -> tuple[list[CustomObject], list[str]]:
    """The objects as bags of the columns to show."""
    items = invocation.state["items"]
    columns: list[Any] = []
    for what in invocation["Property"] or ["*"]:
        text = what if isinstance(what, str) else ""
        if any(char in text for char in "*?["):
            columns += [name for name in (property_names(items[0]) if items else []) if like(name, text)]
        else:
            columns.append(what)
    names = [label_of(column) for column in columns]
    bags = [
        CustomObject([(name, computed(invocation, item, column)) for name, column in zip(names, columns, strict=True)])
        for item in items
    ]
    return bags, names


def _formatter(shape: Any) -> Any:
    def end(invocation: Invocation) -> None:
        if any(name in invocation for name in ("GroupBy", "View")):
            raise Refused("-GroupBy and -View")
        items = invocation.state["items"]
        if items and all(isinstance(item, (str, int, float)) for item in items) and "Property" not in invocation:
            invocation.write(Formatted([to_string(item) for item in items]))
        elif items:
            bags, names = _rows(invocation)
            invocation.write(Formatted(shape(bags, names)))

    return end


_SHARED = [_PROPERTY, _INPUT, Parameter("GroupBy"), Parameter("View", "String"), Parameter("Force", "Switch")]
staged("Format-List", _SHARED, begin=start, end=_formatter(listing), aliases=("fl",))(gather)
staged(
    "Format-Table",
    [*_SHARED, Parameter("AutoSize", "Switch"), Parameter("HideTableHeaders", "Switch"), Parameter("Wrap", "Switch")],
    begin=start,
    end=_formatter(table),
    aliases=("ft",),
)(gather)


def _csv_end(invocation: Invocation) -> None:
    items = invocation.state["items"]
    if not items:
        return
    if "Delimiter" in invocation or invocation.switch("UseCulture"):
        raise Refused("a CSV delimiter")
    names = property_names(items[0])
    if not invocation.switch("NoTypeInformation"):
        invocation.write(f"#TYPE {type_name(items[0])}")
    invocation.write(",".join(_cell(name) for name in names))
    for item in items:
        invocation.write(",".join(_cell(_text(computed(invocation, item, name))) for name in names))


def _text(held: Any) -> str:
    return f"{getattr(held, 'kind', 'System.Object')}[]" if isinstance(held, list) else to_string(held)


def _cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


staged(
    "ConvertTo-Csv",
    [
        Parameter("InputObject", position=0, by_value=True),
        Parameter("NoTypeInformation", "Switch", aliases=("NTI",)),
        Parameter("Delimiter", "Char"),
        Parameter("UseCulture", "Switch"),
    ],
    begin=start,
    end=_csv_end,
)(gather)


def _from_csv_end(invocation: Invocation) -> None:
    lines: list[str] = []
    for item in invocation.state["items"]:
        found = None if isinstance(item, str) else iterate(item)
        lines += [to_string(each) for each in ([item] if found is None else found)]
    lines = [line for line in lines if not line.startswith("#TYPE")]
    delimiter = to_string(invocation["Delimiter"]) or ","
    rows = list(csv.reader(io.StringIO("\n".join(lines)), delimiter=delimiter))
    header = (
        [to_string(name) for name in invocation["Header"]] if "Header" in invocation else rows.pop(0) if rows else []
    )
    for row in rows:
        padded = [*row, *[None] * (len(header) - len(row))]
        invocation.write(CustomObject(list(zip(header, padded, strict=False))))


staged(
    "ConvertFrom-Csv",
    [
        Parameter("InputObject", position=0, mandatory=True, by_value=True),
        Parameter("Delimiter", "Char", position=1),
        Parameter("Header", "String[]"),
    ],
    begin=start,
    end=_from_csv_end,
)(gather)


@cmdlet("ConvertFrom-StringData", [Parameter("StringData", "String", position=0, mandatory=True, by_value=True)])
def from_string_data(invocation: Invocation) -> None:
    """`name = value` lines as a hashtable."""
    made = Hashtable()
    for line in invocation["StringData"].splitlines():
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        name, equals, held = text.partition("=")
        if not equals:
            raise ClrError(
                f"Data line '{line}' is not in 'name=value' format.",
                "System.Management.Automation.PSInvalidOperationException",
            )
        if "\\" in held:
            raise Refused("escapes in ConvertFrom-StringData")
        made.put(name.strip(), held.strip())
    invocation.write(made)
