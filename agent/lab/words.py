"""Owns the lab's account in words: what `easfix lab truth` shows a person."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

BITS = {8: "SSL", 256: "128-bit", 32: "asks for a certificate", 64: "client certificate", 128: "maps certificates"}
"""AccessSSLFlags. domain 2.1"""
SCHEMES = {1: "Anonymous", 2: "Basic", 4: "Integrated"}
"""AuthFlags. domain 2.8"""

Document = dict[str, Any]


def spans(names: Iterable[str], few: int = 20) -> str:
    """The names of machines; where they are many, the first and the last of each kind: "EX01 to EX40, CAS01, CAS02"."""
    every = list(names)
    if len(every) <= few:
        return ", ".join(every)
    kinds = [list(found) for _, found in itertools.groupby(every, key=lambda name: name.rstrip("0123456789"))]
    return ", ".join(f"{kind[0]} to {kind[-1]}" if len(kind) > 2 else ", ".join(kind) for kind in kinds)


def machine_lines(machine: Document) -> Iterator[str]:
    """One machine: a line of totals, then what is worth saying, indented."""
    yield _head(machine)
    if machine["faults"]:
        names = ", ".join(text.partition("@")[0] for text in machine["faults"])
        yield f"    faults: {names}"
    for found in machine["directories"]:
        yield from (f"    {line}" for line in _directory(found))
    if machine["services_down"]:
        yield f"    down that ran before: {', '.join(machine['services_down'])}"
    if machine["metabase_backups"]:
        yield f"    metabase backups: {', '.join(machine['metabase_backups'])}"
    for path in machine["files"]:
        yield f"    left behind: {path}"
    for program in machine["programs"]:
        yield f"    still running: {program}"
    if machine["shells"]:
        yield f"    WinRM shells open: {machine['shells']}"
    yield from (f"    {line}" for line in _events(machine))


def user_lines(users: list[Document]) -> Iterator[str]:
    """The users whose logons went wrong; nothing where all is well."""
    for user in users:
        if user["locked"] or user["bad_passwords"]:
            state = "LOCKED, " if user["locked"] else ""
            yield f"{user['name']}: {state}{user['bad_passwords']} wrong passwords in a row"


def _head(machine: Document) -> str:
    parts = [machine["role"], "up" if machine["online"] else "DOWN"]
    parts += [_count(machine[name], word) for name, word in (("iisresets", "iisreset"), ("recycles", "recycle"),
              ("reboots", "reboot")) if machine[name] or name == "iisresets"]  # fmt: skip
    parts.append(f"{machine['seconds_without_mail']:.1f} s without mail")
    parts.append(_count(len(machine["scripts"]), "script"))
    parts.append(_count(machine["requests_served"], "web request"))
    failed = f" and {machine['logon_failures']} refused" if machine["logon_failures"] else ""
    parts.append(_count(machine["logons"], "logon") + failed)
    return f"{machine['name']}  {', '.join(parts)}"


def _directory(found: Document) -> Iterator[str]:
    name = found["path"].removeprefix("W3SVC/").replace("/ROOT", "", 1)
    memory, disk = _flags(found, "memory"), _flags(found, "disk")
    saved = "" if memory == disk else f"; on disk {disk}"
    yield f"site {name}: {memory}{saved}; {_names(found['auth_flags'], SCHEMES) or 'no authentication'}"
    if (found["flags_directory"] or 0) & ~(found["flags_memory"] or 0):
        yield f"    Active Directory says {_bits(found['flags_directory'])}: DS2MB may write that"
    if found["admits"] is not None:
        yield f"    admits only {'; '.join(found['admits']) or 'nobody'}"
    for path, flags in found["children"].items():
        yield f"    below, {path.removeprefix(found['path'] + '/')}: {_bits(flags)}, its own"


def _flags(found: Document, where: str) -> str:
    flags, at = found[f"flags_{where}"], found[f"set_at_{where}"]
    if flags is None:
        return "not there"
    origin = "default" if at is None else "its own" if at == found["path"] else f"from {at or 'the root'}"
    return f"{_bits(flags)}, {origin}"


def _bits(flags: int) -> str:
    return f"{flags} ({_names(flags, BITS)})" if flags else "0 (no SSL)"


def _names(value: int | None, names: dict[int, str]) -> str:
    return ", ".join(name for bit, name in names.items() if (value or 0) & bit)


def _events(machine: Document) -> Iterator[str]:
    """How often each event was written."""
    counts: dict[tuple[str, int], int] = {}
    for event in machine["events"]:
        key = event["source"], event["id"]
        counts[key] = counts.get(key, 0) + 1
    if counts:
        yield "events: " + ", ".join(f"{number} x {source} {code}" for (source, code), number in counts.items())


def _count(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
