"""Owns what people were told last of a schedule, so that a tick speaks of what is new and is silent otherwise."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Told:
    """States by server, debts, the last failure in words, and when the window closes that is open or comes next."""

    servers: Mapping[str, str] = field(default_factory=dict)
    debts: frozenset[str] = frozenset()
    failure: str = ""
    window: str = ""
    closes_at: datetime | None = None

    @classmethod
    def read(cls, path: Path) -> Told:
        """What was written last; nothing where that is not there, or no longer readable."""
        with suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            found = json.loads(path.read_text(encoding="utf-8"))
            closes_at = datetime.fromisoformat(found["closes_at"]) if found["closes_at"] else None
            servers = {str(name): str(state) for name, state in found["servers"].items()}
            if closes_at is None or closes_at.tzinfo is not None:
                return cls(servers, frozenset(found["debts"]), str(found["failure"]), str(found["window"]), closes_at)
        return cls()

    def write(self, path: Path) -> None:
        """Keep it, whole or not at all; raises OSError."""
        document = {
            "servers": dict(self.servers),
            "debts": sorted(self.debts),
            "failure": self.failure,
            "window": self.window,
            "closes_at": self.closes_at.isoformat() if self.closes_at else None,
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=path.parent, prefix=path.name, delete=False
        ) as file:
            json.dump(document, file, indent=2)
        try:
            Path(file.name).replace(path)
        except OSError:
            with suppress(OSError):
                Path(file.name).unlink()
            raise
