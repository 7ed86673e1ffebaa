"""What every part of the configuration has in common: frozen, and closed to unknown keys."""

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field


class Section(BaseModel):
    """A part of the configuration; a misspelt key is an error, and an error never shows a value."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, use_attribute_docstrings=True)


@dataclass(frozen=True, slots=True)
class Anchored:
    """Marks a path: written relative, it is relative to the file it stands in."""

    may_be_url: bool = False


FilePath = Annotated[str, Anchored()]
Port = Annotated[int, Field(ge=1, le=65535)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Name = Annotated[str, Field(min_length=1, max_length=255, pattern=r"^[^\s,]+$")]
