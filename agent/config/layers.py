"""Flag over environment over file over default: what was set where, put together."""

import os
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from agent.config.document import Document, Loc
from agent.config.root import DELIMITER, PREFIX, Config
from agent.config.section import Anchored
from agent.errors import ConfigError


@dataclass(frozen=True, slots=True)
class Layers:
    """What was set where."""

    flags: Mapping[str, object]
    environment: Mapping[str, object]
    document: Document

    @classmethod
    def of(cls, document: Document, flags: Mapping[str, object]) -> "Layers":
        """The three layers; raises `ConfigError` for a variable that is not readable."""
        return cls(flags, _environment(), document)

    @property
    def values(self) -> dict[str, object]:
        """All of them in one, with every path made absolute: of the file from the file, others from here."""
        base = self.document.path.absolute().parent
        whole = _anchored(self.document.values, Config, base)
        for layer in (self.environment, self.flags):
            whole = _over(whole, _anchored(layer, Config, Path.cwd()))
        return typing.cast(dict[str, object], whole)

    def where(self, loc: Loc) -> str:
        """Where the value at this place was set, in the operator's words."""
        if _holds(self.flags, loc):
            return "the command line"
        if _holds(self.environment, loc):
            return f"the environment ({PREFIX}{DELIMITER.join(str(part) for part in loc).upper()})"
        return self.document.where(loc)


def _environment() -> dict[str, object]:
    if not variables():
        return {}
    # Loaded where something is set: it takes a tenth of a second.
    from pydantic_settings import BaseSettings, EnvSettingsSource, SettingsError

    settings = typing.cast(type[BaseSettings], Config)  # it asks for the fields only, and for nothing of BaseSettings
    try:
        return EnvSettingsSource(settings, env_prefix=PREFIX, env_nested_delimiter=DELIMITER)()
    except SettingsError as error:
        name = str(error).partition('"')[2].partition('"')[0]
        raise ConfigError(
            f"{PREFIX}{name.upper()} is not readable", where="the environment", next_step="a list or a section is JSON"
        ) from None


def variables() -> tuple[str, ...]:
    """The names in the environment that begin like ours."""
    return tuple(sorted(name.upper() for name in os.environ if name.upper().startswith(PREFIX)))


def _over(below: object, above: object) -> object:
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {**below, **{key: _over(below.get(key), value) for key, value in above.items()}}
    return above


def _holds(layer: object, loc: Loc) -> bool:
    """The layer says something about this place, or about the nearest one around it."""
    if not loc or not isinstance(layer, Mapping):
        return True
    return loc[0] in layer and _holds(layer[loc[0]], loc[1:])


def _anchored(values: object, kind: type[BaseModel], base: Path) -> object:
    if not isinstance(values, Mapping):
        return values
    return {key: _anchored_field(value, kind, key, base) for key, value in values.items()}


def _anchored_field(value: object, kind: type[BaseModel], key: str, base: Path) -> object:
    field = kind.model_fields.get(key)
    if field is None:
        return value
    anchor = next((mark for mark in field.metadata if isinstance(mark, Anchored)), None)
    if anchor is not None:
        return _each(value, field.annotation, lambda item: _absolute(item, base, anchor))
    inner = section_of(field.annotation)
    return _each(value, field.annotation, lambda item: _anchored(item, inner, base)) if inner else value


def _absolute(value: object, base: Path, anchor: Anchored) -> object:
    if not isinstance(value, str) or not value or (anchor.may_be_url and "://" in value):
        return value
    try:
        return str(base / Path(value).expanduser())
    except RuntimeError:  # a home directory that cannot be found: the path as written will be reported
        return value


def _each(value: object, annotation: object, function: Callable[[object], object]) -> object:
    if isinstance(value, list | tuple):
        return [function(item) for item in value]
    if typing.get_origin(annotation) is dict and isinstance(value, Mapping):
        return {key: function(item) for key, item in value.items()}
    return function(value)


def section_of(annotation: object) -> type[BaseModel] | None:
    """The section within an annotation such as `tuple[ServerEntry, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in typing.get_args(annotation) if (found := section_of(part))), None)
