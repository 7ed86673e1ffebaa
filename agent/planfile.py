"""Owns the file of a plan: the whole plan in JSON under its own hash, and the reading of it, with nothing trusted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from agent.errors import ConfigError, StalePlan
from agent.model import Plan

SCHEMA = "easfix-plan/1"


@cache
def _adapter() -> TypeAdapter[Plan]:
    return TypeAdapter(Plan)


def dump(plan: Plan) -> str:
    """The document, ready for a file."""
    return json.dumps({"schema": SCHEMA, "hash": plan.hash, "plan": _body(plan)}, indent=2) + "\n"


def load(text: str, where: str) -> Plan:
    """The plan of a document; ConfigError where it is none, or is no longer what its hash says."""
    try:
        document: Any = json.loads(text, object_pairs_hook=_once)
        if not isinstance(document, dict) or document.get("schema") != SCHEMA:
            raise ConfigError(f"this is not a plan of the schema {SCHEMA}", where=where, next_step=_HINT)
        plan = _adapter().validate_json(json.dumps(document.get("plan")))
    except (ValueError, RecursionError) as error:  # what json and pydantic raise are ValueErrors
        first = str(error).splitlines()[0]
        raise ConfigError(f"the plan cannot be read: {first}", where=where, next_step=_HINT) from error
    if plan.hash != document.get("hash") or _canonical(_body(plan)) != _canonical(document["plan"]):
        raise ConfigError("the plan was changed after it was made: its hash does not fit", where=where, next_step=_HINT)
    return plan


def read(path: Path) -> Plan:
    """The plan in a file."""
    try:
        return load(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise ConfigError("the plan cannot be read: it is not UTF-8", where=str(path), next_step=_HINT) from error
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ConfigError(f"the plan cannot be read: {why}", where=str(path), next_step=_HINT) from error


def refuse_other_scripts(plan: Plan, hashes: Mapping[str, str]) -> None:
    """StalePlan where this easfix would send other scripts than those the plan was made with."""
    other = sorted(name for name, sha256 in plan.scripts if hashes.get(name) != sha256)
    if other:
        raise StalePlan(
            f"the plan was made with other scripts than this easfix has: {', '.join(other)}",
            next_step="Make the plan again with this easfix, and have it approved again.",
        )


def _body(plan: Plan) -> Any:
    return _adapter().dump_python(plan, mode="json")


def _canonical(body: Any) -> str:
    """Two bodies are the same plan only where each value is; a key that nobody knows is a difference too."""
    return json.dumps(body, sort_keys=True)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A key that stands twice shows one value to the reader of the file and another to easfix."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


_HINT = "Make one with: easfix plan -o plan.json"
