"""Owns the splitting of a Windows command line into words, by the rules of CommandLineToArgvW."""

from __future__ import annotations

import re

_BARE = re.compile(r'[^\\" \t]+')
_QUOTED = re.compile(r'[^\\"]+')
"""What means itself; a command line may be thousands of letters long, as with -EncodedCommand."""


def split(command_line: str) -> list[str]:
    """The words; backslashes count only before a quote, a doubled quote inside quotes is a quote."""
    words: list[str] = []
    rest = command_line.strip(" \t\r\n")
    while rest:
        word, rest = _word(rest)
        words.append(word)
        rest = rest.lstrip(" \t\r\n")
    return words


def _word(text: str) -> tuple[str, str]:
    out: list[str] = []
    quoted, at = False, 0
    while at < len(text) and (quoted or text[at] not in " \t"):
        if plain := (_QUOTED if quoted else _BARE).match(text, at):
            out.append(plain[0])
            at = plain.end()
            continue
        slashes = 0
        while text[at : at + 1] == "\\":
            slashes += 1
            at += 1
        if at < len(text) and text[at] == '"':
            out.append("\\" * (slashes // 2))
            if slashes % 2 or (quoted and text[at : at + 2] == '""'):
                out.append('"')
                at += 1 if slashes % 2 else 2
            else:
                quoted = not quoted
                at += 1
        else:
            out.append("\\" * slashes)
    return "".join(out), text[at:]
