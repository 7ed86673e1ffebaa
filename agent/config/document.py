"""The configuration file: its values, and the line on which each of them stands."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from agent.errors import ConfigError

Loc = tuple[str | int, ...]
"""A place within the configuration, e.g. ("servers", 0, "name")."""

_NULL = "tag:yaml.org,2002:null"
_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Document:
    """A configuration file as written."""

    path: Path
    values: dict[str, object]
    lines: Mapping[Loc, int]

    def where(self, loc: Loc) -> str:
        """File and line of a place, or of the nearest one around it that is written down."""
        sizes = range(len(loc), -1, -1)
        line = next((self.lines[loc[:size]] for size in sizes if loc[:size] in self.lines), 1)
        return f"{self.path}:{line}"


def read(path: Path) -> Document:
    """Read a YAML file; raises `ConfigError` with the line, and never with what stands there."""
    text = _text(path)
    loader = _LOADER(text)
    try:
        node = loader.get_single_node()
        if node is None or (isinstance(node, yaml.ScalarNode) and node.tag == _NULL):
            return Document(path, {}, {})
        if not isinstance(node, yaml.MappingNode):
            raise ConfigError("the file must be a list of keys with their values", where=f"{path}:1")
        lines = dict(_lines(node, (), path))
        values = loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 1
        raise ConfigError(f"this is not YAML: {error.problem}", where=f"{path}:{line}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise ConfigError(f"this is not YAML: {type(error).__name__}", where=str(path)) from None
    finally:
        loader.dispose()
    return Document(path, values, lines)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError("the file is not UTF-8", where=str(path), next_step="save it as UTF-8") from None
    except OSError as error:
        hint = "name another one with --config, or mend its rights"
        raise ConfigError(f"the file cannot be read: {error.strerror}", where=str(path), next_step=hint) from error


def _lines(node: yaml.Node, loc: Loc, path: Path) -> Iterator[tuple[Loc, int]]:
    yield loc, node.start_mark.line + 1
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            yield from _lines(item, (*loc, index), path)
    if isinstance(node, yaml.MappingNode):
        yield from _of_mapping(node, loc, path)


def _of_mapping(node: yaml.MappingNode, loc: Loc, path: Path) -> Iterator[tuple[Loc, int]]:
    seen: dict[str, int] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        name = str(key.value)
        if name in seen:  # YAML itself silently takes the last one
            raise ConfigError(f"{name} stands here and on line {seen[name]}; keep one", where=f"{path}:{line}")
        seen[name] = line
        yield from ((place, at) for place, at in _lines(value, (*loc, name), path) if place != (*loc, name))
        yield (*loc, name), line
