"""The page of the practice lab lists exactly the faults there are, and says of each what the program says."""

from __future__ import annotations

import re
from pathlib import Path

from agent.lab.faults import FAULTS, Fault, On

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "lab.md").read_text(encoding="utf-8")
WHERE = {On.SERVER: "server", On.PROXY: "proxy", On.ANY: "any"}


def row(fault: Fault) -> str:
    name = fault.name + (f"[={fault.argument}]" if fault.argument else "")
    default = f" Default: {fault.default}." if fault.default else ""
    when = " Only at the start." if fault.at_start_only else ""
    return f"| `{name}` | {WHERE[fault.on]} | {fault.sentence}{default}{when} |"


def test_the_table_of_faults_is_the_programs_own() -> None:
    table = PAGE.partition("| Fault | On | What is wrong |\n|---|---|---|\n")[2].partition("\n\n")[0]

    assert table.splitlines() == [row(fault) for fault in FAULTS.values()]


def test_every_fault_the_page_speaks_of_exists() -> None:
    spoken = re.findall(r"--fault ([a-z0-9-]+)", PAGE) + re.findall(r'"([a-z0-9-]+)(?:=[\d.]+)?@EX', PAGE)

    assert spoken and set(spoken) <= set(FAULTS)


def test_the_example_for_tests_runs() -> None:
    code = PAGE.partition("```python\n")[2].partition("```")[0]

    exec(compile(code, "docs/lab.md", "exec"), {})
