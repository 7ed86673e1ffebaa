"""The shape of the program: which module may import which, and who owns what from outside."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "agent"

FLOORS = {
    "agent.printable": -1,
    "agent.errors": 0,
    "agent.model": 0,
    "agent.lint": 0,
    "agent.lean": 0,
    "agent.released": 0,
    "agent.sane": 0,
    "agent.notice": 0,
    "agent.window": 0,
    "agent.exits": 1,
    "agent.config": 1,
    "agent.playbook": 1,
    "agent.journal": 1,
    "agent.retry": 1,
    "agent.logs": 1,
    "agent.transport": 1,
    "agent.probe": 2,
    "agent.inventory": 2,
    "agent.calendar": 2,
    "agent.proxypool": 2,
    "agent.siblings": 2,
    "agent.guards": 2,
    "agent.causes": 2,
    "agent.answers": 2,
    "agent.outcome": 2,
    "agent.act": 2,
    "agent.decoder": 3,
    "agent.detect": 3,
    "agent.plan": 3,
    "agent.planfile": 3,
    "agent.restart": 3,
    "agent.apply": 4,
    "agent.verify": 4,
    "agent.rollback": 4,
    "agent.doctor": 4,
    "agent.report": 4,
    "agent.survey": 4,
    "agent.remains": 4,
    "agent.waves": 1,
    "agent.course": 5,
    "agent.estimate": 2,
    "agent.notify": 2,
    "agent.fleet": 6,
    "agent.campaign": 7,
    "agent.schedule": 8,
    "agent.cli": 9,
}
"""Every module has a floor; one that has none fails until someone gives it one."""

OWNERS = {
    "pypsrp": {"agent.transport.psrp"},
    "winrm": {"agent.transport.winrm"},
    "requests": {"agent.transport"},
    "urllib3": {"agent.transport"},
    "spnego": {"agent.transport", "agent.lab"},
    "tenacity": {"agent.retry"},
    "yaml": {"agent.config", "agent.playbook", "agent.lab"},
    "psrpcore": {"agent.lab"},
    "tree_sitter": {"agent.lab", "agent.lint"},
    "tree_sitter_powershell": {"agent.lab", "agent.lint"},
    "sqlalchemy": {"agent.journal"},
    "alembic": {"agent.journal"},
    "structlog": {"agent.logs"},
    "keyring": {"agent.config"},
    "dateutil": {"agent.window"},
    "icalendar": {"agent.window"},
    "recurring_ical_events": {"agent.window"},
    "cronsim": {"agent.schedule"},
    "apprise": {"agent.notify"},
    "click": {"agent.cli"},
    "rich": {"agent.cli"},
}
"""An outside library and the modules that may import it."""

STANDARD_ONLY = ("agent.model", "agent.errors")
CLOCKS = {
    ("time", "sleep"),
    ("time", "time"),
    ("time", "monotonic"),
    ("time", "perf_counter"),
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("date", "today"),
    ("sys", "exit"),
    ("os", "_exit"),
    ("os", "environ"),
    ("os", "getenv"),
}
"""Names that only the command line may touch; the environment also the configuration."""


def modules() -> list[tuple[str, Path]]:
    """Every module of the package by its dotted name."""
    found = []
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found.append((".".join(parts).removesuffix(".__init__"), path))
    return found


def imports(path: Path, name: str) -> Iterator[tuple[str, int]]:
    """Each imported module with its line; those inside functions and under TYPE_CHECKING count."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name}:{node.lineno} imports relatively; write the whole name"
            known = {f"{node.module}.{alias.name}" for alias in node.names} & NAMES
            yield from ((found, node.lineno) for found in known or {node.module or ""})


def owner(name: str, table: dict[str, int] | set[str]) -> str | None:
    """The longest entry of the table that names the module or a package around it."""
    parts = name.split(".")
    candidates = (".".join(parts[:size]) for size in range(len(parts), 0, -1))
    return next((found for found in candidates if found in table), None)


NAMES = {name for name, _ in modules()}
AGENT = [(name, path) for name, path in modules() if name != "agent" and not name.startswith("agent.lab")]
BELOW = [(name, path) for name, path in AGENT if not f"{name}.".startswith("agent.cli.")]
DOORS = {"agent.cli.lab", "agent.cli.demo"}
OUTSIDE = [(name, path) for name, path in AGENT if name not in DOORS]
LAB = [(name, path) for name, path in modules() if name.startswith("agent.lab")]


@pytest.mark.parametrize(("name", "path"), AGENT, ids=lambda value: str(value) if isinstance(value, str) else "")
def test_every_module_has_a_floor_and_imports_only_from_below(name: str, path: Path) -> None:
    home = owner(name, FLOORS)
    assert home is not None, f"{name} has no floor; give it one in {Path(__file__).name}"
    for imported, line in imports(path, name):
        target = owner(imported, FLOORS)
        if not imported.startswith("agent.") or imported == "agent.lab" or imported.startswith("agent.lab."):
            continue

        assert target is not None, f"{name}:{line} imports {imported}, which has no floor"
        assert target == home or FLOORS[target] < FLOORS[home], f"{name}:{line} imports {imported}: not a lower floor"


@pytest.mark.parametrize(("name", "path"), modules(), ids=lambda value: str(value) if isinstance(value, str) else "")
def test_an_outside_library_has_one_owner(name: str, path: Path) -> None:
    for imported, line in imports(path, name):
        owners = OWNERS.get(imported.split(".")[0])

        assert owners is None or owner(name, owners), f"{name}:{line} imports {imported}, owned by {sorted(owners)}"


@pytest.mark.parametrize(("name", "path"), LAB, ids=lambda value: str(value) if isinstance(value, str) else "")
def test_the_lab_imports_nothing_of_the_agent(name: str, path: Path) -> None:
    for imported, line in imports(path, name):
        foreign = imported.startswith("agent.") and not f"{imported}.".startswith("agent.lab.")

        assert not foreign, f"{name}:{line} imports {imported}"


@pytest.mark.parametrize(("name", "path"), OUTSIDE, ids=lambda value: str(value) if isinstance(value, str) else "")
def test_only_the_lab_command_imports_the_lab(name: str, path: Path) -> None:
    for imported, line in imports(path, name):
        assert not f"{imported}.".startswith("agent.lab."), f"{name}:{line} imports {imported}"


@pytest.mark.parametrize("home", STANDARD_ONLY)
def test_the_ground_floor_needs_the_standard_library_only(home: str) -> None:
    import sys

    for name, path in AGENT:
        if owner(name, {home}):
            for imported, line in imports(path, name):
                top = imported.split(".")[0]
                inside = top == "agent" and owner(imported, set(STANDARD_ONLY))

                assert top in sys.stdlib_module_names or inside, f"{name}:{line} imports {imported}"


def test_the_report_never_sees_a_transport() -> None:
    for name, path in AGENT:
        if owner(name, {"agent.report"}):
            for imported, line in imports(path, name):
                assert not imported.startswith("agent.transport"), f"{name}:{line} imports {imported}"


@pytest.mark.parametrize(("name", "path"), BELOW, ids=lambda value: str(value) if isinstance(value, str) else "")
def test_clock_sleep_print_exit_and_environment_belong_to_the_command_line(name: str, path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            used = (node.value.id, node.attr)
            allowed = used[0] == "os" and owner(name, {"agent.config"})

            assert used not in CLOCKS or allowed, f"{name}:{node.lineno} uses {'.'.join(used)}"
        if isinstance(node, ast.Name):
            assert node.id != "print", f"{name}:{node.lineno} prints"


@pytest.mark.parametrize(("name", "path"), BELOW, ids=lambda value: str(value) if isinstance(value, str) else "")
def test_no_function_below_the_command_line_knows_a_dry_run(name: str, path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            named = {argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)}

            assert "dry_run" not in named, f"{name}:{node.lineno} {node.name} has a dry_run parameter"
