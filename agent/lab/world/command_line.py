"""Owns the splitting of a Windows command line into words, by the rules of CommandLineToArgvW."""

from __future__ import annotations


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
        slashes = len(text) - at - len(text[at:].lstrip("\\"))
        at += slashes
        if at < len(text) and text[at] == '"':
            out.append("\\" * (slashes // 2))
            if slashes % 2 or (quoted and text[at : at + 2] == '""'):
                out.append('"')
                at += 1 if slashes % 2 else 2
            else:
                quoted = not quoted
                at += 1
        elif slashes:
            out.append("\\" * slashes)
        else:
            out.append(text[at])
            at += 1
    return "".join(out), text[at:]
