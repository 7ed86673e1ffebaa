"""What every part of the configuration has in common: frozen, and closed to unknown keys."""

import ast
import inspect
import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, Any, get_args

# No plugin of another package gets to see the configuration; to look for one, every installed package would be read.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "true")

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator


def _describe(schema: dict[str, Any], section: type[BaseModel]) -> None:
    """Each property by the text below it in the source.

    pydantic's own way reads the source whenever the classes are made, which is a tenth of the time of a short command.
    """
    properties = schema.get("properties", {})
    for base in reversed(section.__mro__):
        for name, text in _texts(base) if issubclass(base, Section) else ():
            properties[name].setdefault("description", text)


def _texts(section: type[BaseModel]) -> Iterator[tuple[str, str]]:
    """The name of each field of the class and the text that stands below it."""
    (written,) = ast.parse(inspect.getsource(section)).body
    assert isinstance(written, ast.ClassDef)  # sections stand at the top of their modules
    for field, below in pairwise(written.body):
        match field, below:
            case (
                ast.AnnAssign(target=ast.Name(id=name)),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                yield name, inspect.cleandoc(text)


class Section(BaseModel):
    """A part of the configuration; a misspelt key is an error, and an error never shows a value."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, json_schema_extra=_describe)

    @field_validator("*", mode="before")
    @classmethod
    def _is_no_truth(cls, value: Any, info: ValidationInfo) -> Any:
        """YAML reads yes, no, on and off as true and false, and pydantic true as the number 1."""
        field = cls.model_fields[str(info.field_name)]
        if isinstance(value, bool) and bool not in (field.annotation, *get_args(field.annotation)):
            raise ValueError("should not be yes or no; where a text was meant, put it in quotes")
        return value


@dataclass(frozen=True, slots=True)
class Anchored:
    """Marks a path: written relative, it is relative to the file it stands in."""

    may_be_url: bool = False


FilePath = Annotated[str, Anchored()]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Name = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\s,]+$")]
