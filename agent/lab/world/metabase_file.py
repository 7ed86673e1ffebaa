"""Owns the look of MetaBase.xml, made only when somebody reads the file."""

from __future__ import annotations

from xml.sax.saxutils import quoteattr

from agent.lab.world.schema import BITS, IpSecurity, Value
from agent.lab.world.tree import Key, Tree

_HEAD = '<?xml version ="1.0"?>\r\n<configuration xmlns="urn:microsoft-catalog:XML_Metabase_V64_0">\r\n<MBProperty>\r\n'
_TAIL = "</MBProperty>\r\n</configuration>\r\n"
_BARE_BYTES = 250_000  # a default installation's file, most of it script maps and custom errors
_KEY_BYTES = 512


def size_of(tree: Tree) -> int:
    """The bytes the file takes on the disk."""
    return _BARE_BYTES + _KEY_BYTES * len(tree.keys)


def render(tree: Tree) -> bytes:
    """The file: one element a key, one attribute a value it holds itself."""
    return (_HEAD + "".join(_element(key) for key in tree.keys.values()) + _TAIL).encode()


def _element(key: Key) -> str:
    location = quoteattr(f"/LM/{key.path}".rstrip("/"))
    values = "".join(f"\r\n\t\t{name}={quoteattr(_text(name, value))}" for name, value in sorted(key.values.items()))
    return f"<{key.kind}\tLocation ={location}{values}\r\n\t>\r\n</{key.kind}>\r\n"


def _text(name: str, value: Value) -> str:
    match value:
        case bool():
            return str(value).upper()
        case int():
            return _words(name, value)
        case tuple():
            return "\r\n\t\t\t".join(value)
        case IpSecurity():
            return "|".join((*value.denied, *value.granted))
    return str(value)


def _words(name: str, value: int) -> str:
    """A flag word by the names of its bits, such as "AccessSSL | AccessSSL128"; any other number as it is."""
    named = [bit for bit in BITS.values() if bit.of == name and value & bit.mask]
    rest = value & ~sum(bit.mask for bit in named)
    return " | ".join([bit.name for bit in named] + ([str(rest)] if rest or not named else []))
