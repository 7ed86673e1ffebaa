"""Events: JSON lines to a rotating file, short lines on standard error, and no secret in either."""

import json
import logging
import logging.handlers
import os
import stat
import threading
import urllib.parse
import xml.sax.saxutils
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import BufferedWriter, FileIO, TextIOWrapper
from pathlib import Path
from typing import Any, TextIO

from agent.errors import ConfigError
from agent.lean import without

# For its coloured tracebacks, which nobody asks for, structlog loads all of rich where it is installed: 60 ms.
with without("rich"):
    import structlog

HIDDEN = "********"
_NAME = "easfix"
_OWNER_ONLY = 0o600

DETAILS = frozenset({"position"})
"""Keys that stand in the file, and on the screen only at level debug."""

Event = MutableMapping[str, Any]
"""What structlog hands from one processor to the next."""


class Redactor:
    """Knows every secret that was resolved so far, and hides it wherever it turns up; for many threads."""

    def __init__(self) -> None:
        self._forms: tuple[str, ...] = ()
        self._lock = threading.Lock()

    def add(self, secret: str) -> None:
        """From now on this text is hidden, also where it was quoted for JSON, XML, a URL or Python."""
        forms = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
        forms |= {xml.sax.saxutils.escape(secret), xml.sax.saxutils.quoteattr(secret)[1:-1]}
        forms |= {urllib.parse.quote(secret, safe=""), urllib.parse.quote_plus(secret), urllib.parse.quote(secret)}
        with self._lock:
            self._forms = tuple(sorted({*self._forms, *forms} - {""}, key=len, reverse=True))

    def text(self, text: str) -> str:
        """The text without any known secret."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return text

    def value(self, value: object) -> object:
        """The value, made of plain JSON types, without any known secret at any depth."""
        match value:
            case None | bool():
                return value
            case int() | float():
                return HIDDEN if str(value) in self._forms else value
            case bytes():
                return self.text(value.decode("utf-8", "replace"))
            case Mapping():
                return {self.text(str(key)): self.value(inner) for key, inner in value.items()}
            case list() | tuple() | set() | frozenset():
                return [self.value(inner) for inner in value]
            case datetime():
                return value.isoformat()
            case _:
                return self.text(str(value))


@dataclass(frozen=True, slots=True)
class LogFile:
    """Where the JSON lines go, and when a new file is begun."""

    path: Path
    level: str = "info"
    max_bytes: int = 10_000_000
    keep: int = 5


def start(
    file: LogFile | None, console: TextIO | None, console_level: str, redactor: Redactor, now: Callable[[], datetime]
) -> Callable[[], None]:
    """Set up logging for the process; the function returned ends it and closes the file.

    Raises `ConfigError` when the file cannot be opened.
    """
    before = _before(redactor, now)
    handlers: list[logging.Handler] = []
    if file is not None:
        handlers.append(_to_file(file, before))
    if console is not None:
        handlers.append(_to_console(console, console_level, before))
    structlog.configure(
        # Filtered first: what nobody wants to know is not prepared for nothing.
        processors=[structlog.stdlib.filter_by_level, *before, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    return _install(handlers)


def get() -> structlog.stdlib.BoundLogger:
    """The logger of easfix: `get().bind(run=run).info("server.changed", server=name)`."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(_NAME)
    return logger


@contextmanager
def bound(**values: object) -> Iterator[None]:
    """Every event within carries these keys, in this thread."""
    with structlog.contextvars.bound_contextvars(**values):
        yield


def _install(handlers: list[logging.Handler]) -> Callable[[], None]:
    root = logging.getLogger()
    ours = logging.getLogger(_NAME)
    kept = root.level, ours.level
    root.setLevel(logging.WARNING)  # what libraries say at a lower level contains what they send
    ours.setLevel(min((handler.level for handler in handlers), default=logging.CRITICAL))
    for handler in handlers:
        root.addHandler(handler)

    def end() -> None:
        for handler in handlers:
            root.removeHandler(handler)
            handler.close()
        root.setLevel(kept[0])
        ours.setLevel(kept[1])
        _fall_silent()

    return end


def _fall_silent() -> None:
    """Where nobody has started a log nothing is said: structlog's own default prints, where only the answer belongs."""
    structlog.reset_defaults()
    structlog.configure(
        processors=[_drop], logger_factory=structlog.ReturnLoggerFactory(), wrapper_class=structlog.stdlib.BoundLogger
    )


def _drop(_: Any, __: str, event: Event) -> Event:
    raise structlog.DropEvent


def _before(redactor: Redactor, now: Callable[[], datetime]) -> list[structlog.typing.Processor]:
    """What every event goes through; hiding comes last, when an exception has already become text."""

    def stamp(_: Any, __: str, event: Event) -> Event:
        event["at"] = now().isoformat()
        return event

    def hide(_: Any, __: str, event: Event) -> Event:
        kept = {key: event[key] for key in ("_record", "_from_structlog") if key in event}
        plain = {key: redactor.value(inner) for key, inner in event.items() if key not in kept}
        return {**plain, **kept}

    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        stamp,
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        hide,
    ]


def _to_file(file: LogFile, before: list[structlog.typing.Processor]) -> logging.Handler:
    try:
        file.path.parent.mkdir(parents=True, exist_ok=True)
        handler = _RotatingFile(file.path, maxBytes=file.max_bytes, backupCount=file.keep, encoding="utf-8")
    except OSError as error:
        raise ConfigError(
            f"the log file cannot be opened: {error.strerror}",
            where=str(file.path),
            next_step="set logs.file to a place you may write to",
        ) from error
    handler.setLevel(file.level.upper())
    handler.setFormatter(_formatter(structlog.processors.JSONRenderer(ensure_ascii=False), before))
    return handler


def _to_console(console: TextIO, level: str, before: list[structlog.typing.Processor]) -> logging.Handler:
    handler = _Quiet(console)
    handler.setLevel(level.upper())
    handler.setFormatter(_formatter(_short if handler.level <= logging.DEBUG else _brief, before))
    return handler


def _formatter(
    render: structlog.typing.Processor, before: list[structlog.typing.Processor]
) -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
    )


def _short(_: Any, __: str, event: Event) -> str:
    """One line: the time of day, the event, its keys; an exception by its last line only."""
    at = str(event.pop("at", ""))[11:19]
    level = str(event.pop("level", ""))
    name = event.pop("event", "")
    exception = str(event.pop("exception", "")).strip().splitlines()
    keys = [f"{key}={_word(value)}" for key, value in event.items()]
    mark = [level] if level not in ("info", "debug") else []
    return " ".join([at, *mark, str(name), *keys, *exception[-1:]])


def _brief(logger: Any, method: str, event: Event) -> str:
    """The same without what only a developer of a script wants to know."""
    return _short(logger, method, {key: value for key, value in event.items() if key not in DETAILS})


def _word(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return json.dumps(text, ensure_ascii=False) if " " in text or "\n" in text or not text else text


class _Quiet(logging.StreamHandler[TextIO]):
    """A log that cannot be written must not stop a run, nor print what it was given."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Drop the line: the journal, not the log, is the record."""


class _RotatingFile(logging.handlers.RotatingFileHandler):
    """Readable by its owner only; goes on in the same file where Windows will not let go of it."""

    _is_stuck = False

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is logging's
        """Drop the line: the journal, not the log, is the record."""

    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802 - the name is logging's
        """A file that another process holds open is tried once.

        The file may end one line above its size: logging's own way writes each line twice to know its length before.
        """
        if self._is_stuck or self.maxBytes <= 0:
            return False
        if self.stream is None:  # after a new file could not be opened
            self.stream = self._open()
        found = os.fstat(self.stream.fileno())
        return stat.S_ISREG(found.st_mode) and found.st_size >= self.maxBytes

    def doRollover(self) -> None:  # noqa: N802 - the name is logging's
        """Begin a new file, or stay with this one to the end of the process; nothing is lost either way."""
        try:
            super().doRollover()
        except OSError:
            self._is_stuck = True

    def _open(self) -> TextIOWrapper:
        descriptor = os.open(self.baseFilename, os.O_WRONLY | os.O_CREAT | os.O_APPEND, _OWNER_ONLY)
        return TextIOWrapper(BufferedWriter(FileIO(descriptor, "a")), self.encoding, self.errors)


_fall_silent()
