"""The example documents every key, and nothing that is not one."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from agent.config import Config, load, schema
from agent.config.layers import section_of

EXAMPLE = Path(__file__).resolve().parents[2] / "config.example.yaml"


def keys_of(section: type[BaseModel], path: str = "") -> Iterator[str]:
    """Every key that there is, e.g. "servers.winrm.port"."""
    for name, field in section.model_fields.items():
        yield f"{path}{name}"
        inner = section_of(field.annotation)
        if inner is not None:
            yield from keys_of(inner, f"{path}{name}.")


def keys_in(values: object, section: type[BaseModel], path: str = "") -> Iterator[str]:
    """Every key that is written down; the names of credential sets are not keys."""
    if not isinstance(values, Mapping):
        return
    for name, value in values.items():
        yield f"{path}{name}"
        inner = section_of(section.model_fields[name].annotation)
        for item in items_of(value) if inner else ():
            assert inner is not None
            yield from keys_in(item, inner, f"{path}{name}.")


def items_of(value: object) -> list[object]:
    """The sections within a list of sections, a table of named sections, or one section."""
    if isinstance(value, list):
        return value
    named = isinstance(value, Mapping) and "default" in value
    return list(value.values()) if named and isinstance(value, Mapping) else [value]


def test_the_example_can_be_loaded() -> None:
    config = load(EXAMPLE)

    assert [server.name for server in config.servers] == ["EX01", "EX02"]


def test_the_example_has_every_key() -> None:
    written = set(keys_in(yaml.safe_load(EXAMPLE.read_text(encoding="utf-8")), Config))

    assert written == set(keys_of(Config))


@pytest.mark.parametrize("name", ["winrm", "guards", "restart", "run", "verify", "retry", "timeouts"])
def test_a_value_in_brackets_is_the_default(name: str) -> None:
    """The example leaves these sections as they are without it."""
    config = load(EXAMPLE)
    written = getattr(config, name).model_dump() | ({"port": None} if name == "winrm" else {})

    assert written == getattr(Config(), name).model_dump()


def test_the_schema_describes_every_key() -> None:
    definitions = schema()["$defs"]
    sections = [schema(), *(part for part in definitions.values() if "properties" in part)]
    undescribed = [
        f"{section.get('title')}.{name}"
        for section in sections
        for name, key in section["properties"].items()
        if not key.get("description") and not definitions[key.get("$ref", "").rpartition("/")[2]]["description"]
    ]

    assert undescribed == []


def test_the_schema_refuses_unknown_keys_as_the_program_does() -> None:
    assert schema()["additionalProperties"] is False
