"""Owns what an envelope must not hold: anything that makes a parser write more than it read, or read something else."""

from __future__ import annotations

import re

_DECLARED = re.compile(rb"""(?:\xef\xbb\xbf)?\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']*)""")


class BadEnvelope(ValueError):  # noqa: N818 - named like BadAnswer, which it becomes
    """It is not the plain XML in UTF-8 that WinRM sends."""


def plainly(content: bytes) -> bytes:
    """The envelope as it is; BadEnvelope for one with a document type, or in another encoding, which could hide one.

    The defaults of a document type's attributes multiply without any entity, so a parser's limits do not see them.
    """
    declared = _DECLARED.match(content)
    if declared and declared[1].lower() != b"utf-8":
        raise BadEnvelope(f"an envelope in {declared[1][:20].decode('ascii', 'replace')} instead of UTF-8")
    if b"\0" in content or content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadEnvelope("an envelope that is not UTF-8")
    if b"<!DOCTYPE" in content:
        raise BadEnvelope("a document type has no place in an envelope")
    return content
