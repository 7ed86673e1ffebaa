"""The ways a machine's web side can misbehave on the wire; mutable, one set per machine, all off at first."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(slots=True)
class WebFaults:
    """Hostile or broken behaviour of one machine's web server, read anew for every answer."""

    slow_seconds: float = 0.0
    """Wait this long (machine's clock) before every answer."""
    silent: bool = False
    """Accept connections and never answer: a filtered port, as far as loopback can show one."""
    reset_mid_answer: bool = False
    """Send half of each answer, then reset the connection."""
    garbage_answer: bool = False
    """Answer with bytes that are not HTTP."""
    endless_body: bool = False
    """Answer with a body that never ends."""
    slow_drip: float = 0.0
    """Send one byte of the answer every so many seconds (machine's clock)."""
    header_bomb: bool = False
    """Answer with megabytes of headers."""
    broken_wbxml: bool = False
    """Cut WBXML bodies short and spoil their header."""
    wrong_charset: bool = False
    """Declare a character set that the page is not in."""
    language: str = ""
    """Culture of the error pages, such as de-DE; empty for the machine's own."""

    def clear(self) -> None:
        """Put everything back to good behaviour."""
        for each in fields(self):
            setattr(self, each.name, each.default)
