"""Writes the W3SVC log of a machine into its file system, in the W3C form of IIS 6 or IIS 7."""

from __future__ import annotations

import ntpath
from dataclasses import dataclass
from datetime import datetime

from agent.lab.world.errors import WorldError
from agent.lab.world.files import FileSystem

# IIS 6 with LogExtFileFlags 0x0C1BCF [bg]: what the example logs in Microsoft's articles show.
FIELDS = (
    "date time s-sitename s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent) "
    "sc-status sc-substatus sc-win32-status"
)
MAX_BYTES = 1024 * 1024  # kept of one day; the oldest lines go first, so that a long run stays small


@dataclass(frozen=True, slots=True)
class LogLine:
    """One request as the log shows it."""

    time: datetime
    site: int
    server: str
    method: str
    stem: str
    query: str
    port: int
    user: str
    client: str
    agent: str
    status: int
    substatus: int
    win32: int

    def text(self) -> str:
        """The line, with "-" for what is empty and "+" for spaces."""
        words = (
            f"W3SVC{self.site}",
            self.server,
            self.method,
            self.stem,
            self.query,
            str(self.port),
            self.user,
            self.client,
            self.agent,
            str(self.status),
            str(self.substatus),
            str(self.win32),
        )
        return f"{self.time:%Y-%m-%d %H:%M:%S} " + " ".join(_word(word) for word in words) + "\r\n"


class W3svcLog:
    """The logs of all sites of one machine; a full disk loses lines and nothing else."""

    def __init__(self, files: FileSystem, version: str) -> None:
        """`version` is that of IIS, such as 6.0; from 7.0 on files are named u_ex, because they are UTF-8."""
        self._files = files
        self._version = version
        self._pages: dict[int, tuple[str, bytearray]] = {}

    def write(self, folder: str, line: LogLine) -> None:
        """Add the line to the file of its site and day below this folder."""
        name = f"{'ex' if self._version == '6.0' else 'u_ex'}{line.time:%y%m%d}.log"
        path = ntpath.join(folder, f"W3SVC{line.site}", name)
        content = self._content(line, path)
        content += line.text().encode("ascii", "replace")
        if len(content) > MAX_BYTES:
            del content[: content.index(b"\r\n", MAX_BYTES // 2) + 2]
            content[:0] = self._heading(line.time)
        try:
            self._files.mkdir(ntpath.dirname(path))
            self._files.write(path, lambda: bytes(content), len(content))
        except WorldError:
            del content[-len(line.text()) :]

    def _content(self, line: LogLine, path: str) -> bytearray:
        known, content = self._pages.get(line.site, ("", bytearray()))
        if known != path or not self._files.exists(path):
            content = bytearray(self._files.read(path) if self._files.exists(path) else b"")
            self._pages[line.site] = (path, content)
        if not content:
            content += self._heading(line.time)
        return content

    def _heading(self, time: datetime) -> bytes:
        return (
            f"#Software: Microsoft Internet Information Services {self._version}\r\n#Version: 1.0\r\n"
            f"#Date: {time:%Y-%m-%d %H:%M:%S}\r\n#Fields: {FIELDS}\r\n"
        ).encode()


def _word(word: str) -> str:
    return "+".join(word.split()) or "-"
