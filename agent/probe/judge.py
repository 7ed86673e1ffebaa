"""Owns what an answer to OPTIONS means for the proxy path (domain 2.9 to 2.11), and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import unescape

from agent.model import Verdict
from agent.probe.answer import Answer, Trouble


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict, the stable name of its cause (empty when good), and the evidence."""

    verdict: Verdict
    cause: str
    evidence: str

    @property
    def next_step(self) -> str:
        """What to do about it."""
        return NEXT_STEPS[self.cause]


NEXT_STEPS: Mapping[str, str] = {
    "": "Nothing to do.",
    "ssl-required": "Clear 'Require secure channel (SSL)' on the directory (easfix apply), then restart IIS.",
    "ssl-128-required": "Clear 'Require 128-bit encryption' on the directory (easfix apply), then restart IIS.",
    "certificate-required": "Find out who uses client certificates here; the proxy cannot offer one (domain 2.2).",
    "address-refused": "Add the address that asked to the directory's IP restrictions, or ask from a proxy.",
    "forbidden": "Run easfix check: require SSL is the usual cause; IP restrictions and password notices are others.",
    "negotiate-missing": "Enable Integrated Windows authentication in Exchange System Manager (KB937031).",
    "directory-missing": "Look for Microsoft-Server-ActiveSync in every web site; do not delete and re-create it.",
    "redirected": "Remove the redirection, or the custom error page for 403.4: the proxy follows none (domain 1.7).",
    "no-logon-asked": "Turn off anonymous access on the directory, and look for a custom error page.",
    "server-error": "Look at the application pool and the event log of the server; ask again.",
    "unexpected": "See what answers at port 80 of the server.",
    "no-http": "See what answers at port 80 of the server.",
    "timed-out": "Check that the server is up and that no firewall blocks port 80 from here.",
    "refused": "Start the World Wide Web Publishing Service, or bind the web site to port 80.",
    "broken-off": "Look at the event log of the server, and at what stands between here and it; ask again.",
    "name-unknown": "Check the server's name in the DNS that this machine asks.",
    "too-slow": "See what answers at port 80 of the server, and what slows it down: bytes came, and no end of them.",
    "endless": "See what answers at port 80 of the server: its answer does not end.",
    "certificate": "See what answers at port 80 of the server: plain HTTP has no certificate.",
    "tls": "See what answers at port 80 of the server: plain HTTP has no secure channel.",
}
"""By cause; a proof carries the cause, and every report can say what to do."""

_TROUBLES = {
    Trouble.NAME: "name-unknown",
    Trouble.REFUSED: "refused",
    Trouble.TIMED_OUT: "timed-out",
    Trouble.BROKEN_OFF: "broken-off",
    Trouble.NO_HTTP: "no-http",
    Trouble.CERTIFICATE: "certificate",
    Trouble.TLS: "tls",
}

# The sub-status stands in the text of IIS's own pages, in every language (domain 2.9).
_CODES = {"4": "ssl-required", "5": "ssl-128-required", "6": "address-refused", "7": "certificate-required"}
_CODE = re.compile(r"(?<![\d.])403[.,;]\s?([4-7])(?!\d|\.\d)")
# Where a page has been rewritten without it, the title may still be the stock one [doc for English, bg for the rest].
_PHRASES = {
    "ssl-128-required": ("128-bit", "128 bit", "128 bits", "128 ビット"),
    "certificate-required": (
        "client certificate",
        "clientzertifikat",
        "certificat client",
        "certificado de cliente",
        "certificato client",
        "クライアント証明書",
    ),
    "ssl-required": (
        "secure channel",
        "sicheren kanal",
        "canal sécurisé",
        "canal seguro",
        "canale protetto",
        "beveiligd kanaal",
        "セキュリティで保護されたチャネル",
    ),
}
# Neither looks beyond the next "<": a page of nothing else would keep them busy for seconds.
_TAGS = re.compile(r"<[^<>]*>")
_TITLE = re.compile(r"<title[^<>]*>([^<]*)", re.IGNORECASE)
_ERRORS = range(500, 600)


def judge(answer: Answer) -> Judgement:
    """What the answer says about the path."""
    if answer.trouble is not None or answer.status is None:
        cause = _TROUBLES[answer.trouble or Trouble.NO_HTTP]
        if answer.trouble is Trouble.TIMED_OUT and answer.received:
            cause = "too-slow"
        verdict = Verdict.BAD if answer.trouble is Trouble.REFUSED else Verdict.UNKNOWN
        return Judgement(verdict, cause, answer.message or "no answer")
    if answer.status in _ERRORS:
        return Judgement(Verdict.BAD, "server-error", evidence_of(answer))
    return _BY_STATUS.get(answer.status, _unexpected)(answer)


def _unauthorized(answer: Answer) -> Judgement:
    if answer.is_cut:  # IIS's own page has four kilobytes
        return Judgement(Verdict.UNKNOWN, "endless", evidence_of(answer))
    if answer.offers("Negotiate"):
        return Judgement(Verdict.GOOD, "", evidence_of(answer))
    return Judgement(Verdict.BAD, "negotiate-missing", evidence_of(answer))


def _forbidden(answer: Answer) -> Judgement:
    # A page may be in another character set than it says; its digits are the same in every one that IIS uses.
    raw = answer.content.decode("latin-1")
    return Judgement(Verdict.BAD, substatus(answer.body) or substatus(raw) or "forbidden", evidence_of(answer))


def _missing(answer: Answer) -> Judgement:
    return Judgement(Verdict.BAD, "directory-missing", evidence_of(answer))


def _redirected(answer: Answer) -> Judgement:
    return Judgement(Verdict.BAD, "redirected", evidence_of(answer))


def _unasked(answer: Answer) -> Judgement:
    """A custom error page may turn 403.4 into 200 (domain 2.9)."""
    found = _CODE.search(_words(answer.body))
    return Judgement(Verdict.BAD, _CODES[found[1]] if found else "no-logon-asked", evidence_of(answer))


def _unexpected(answer: Answer) -> Judgement:
    return Judgement(Verdict.UNKNOWN, "unexpected", evidence_of(answer))


_BY_STATUS: Mapping[int, Callable[[Answer], Judgement]] = {
    200: _unasked,
    401: _unauthorized,
    403: _forbidden,
    404: _missing,
    **dict.fromkeys((301, 302, 303, 307, 308), _redirected),
}


def substatus(page: str) -> str:
    """The cause that the text of a 403 page tells; empty where it tells none, or more than one."""
    words = _words(page)
    codes = {_CODES[code] for code in _CODE.findall(words)}
    if codes:
        return codes.pop() if len(codes) == 1 else ""
    lowered = words.lower()
    return next((cause for cause, phrases in _PHRASES.items() if any(phrase in lowered for phrase in phrases)), "")


def _words(page: str) -> str:
    return " ".join(unescape(_TAGS.sub(" ", page)).split())


def evidence_of(answer: Answer) -> str:
    """What was seen, in a line; what went wrong where there was no answer."""
    if answer.status is None:
        return answer.message or "no answer"
    parts = [f"HTTP {answer.status}"]
    if answer.schemes:
        parts.append(f"offers {', '.join(answer.schemes)}")
    if answer.location:
        parts.append(f"sends to {answer.location[:200]}")
    title = _TITLE.search(answer.body)
    if title and answer.status != 401:
        parts.append(f"page {_words(title[1])[:120]!r}")
    if answer.server:
        parts.append(f"from {answer.server[:60]}")
    if answer.is_cut:
        parts.append("the body does not end")
    return ", ".join(parts)
