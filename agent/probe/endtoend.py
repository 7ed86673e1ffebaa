"""Owns the proof from end to end: through a proxy, over verified TLS, as a test user, OPTIONS and then FolderSync."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from agent.errors import Denied
from agent.model import Https, Probe, Proof, Server, Verdict
from agent.probe.answer import PATH, Answer, Trouble
from agent.probe.connecting import Place, trust
from agent.probe.judge import Judgement, evidence_of
from agent.probe.phone import Phone, blamed, braked
from agent.probe.talk import Question, Talk
from agent.probe.wbxml import CONTENT_TYPE, FIRST_FOLDER_SYNC, SUCCESS, BrokenWbxml, folder_status

VERSION = "MS-Server-ActiveSync"
OURS = "6.5."
"""The version of a 2003 server; a proxy that answers for itself says 8.x or 14.x (domain 1.8, 2.11)."""

DEVICE_ID, DEVICE_TYPE = "EASFIXPROOF", "easfix"
"""One partnership in the mailbox of the test user, however often it is proved."""

POLICY_FIRST = range(141, 145)
"""FolderSync's statuses for a device without the current policy; older protocols say HTTP 449 ([MS-OXPROTO] 2.5.14.5).

A 2003 server says so where device security settings are on: its ActiveSync was reached, the mailbox was not read.
"""

GOOD, BAD, UNKNOWN = Verdict.GOOD, Verdict.BAD, Verdict.UNKNOWN

# Nothing that keeps this machine from talking to the proxy says anything about the back-end: never bad.
_NOT_REACHED: Mapping[Trouble, str] = {
    Trouble.NAME: "proxy-name-unknown",
    Trouble.REFUSED: "proxy-refused",
    Trouble.TIMED_OUT: "proxy-timed-out",
    Trouble.BROKEN_OFF: "proxy-broken-off",
    Trouble.NO_HTTP: "proxy-no-http",
    Trouble.CERTIFICATE: "proxy-certificate",
    Trouble.TLS: "proxy-tls",
}
_NO_ANSWER: Mapping[Trouble, str] = {Trouble.TIMED_OUT: "no-answer", Trouble.NO_HTTP: "no-http"}

FINAL = frozenset(
    {
        "proxy-certificate",
        "proxy-tls",
        "proxy-name-unknown",
        "password-refused",
        "password-not-tried",
        "basic-not-offered",
        "mailbox-elsewhere",
        "policy-required",
        "ca-unreadable",
        "options-403",
        "foldersync-403",
    }
)
"""Causes that asking again does not mend, and that should not be asked again: a password may lock an account."""


@dataclass(frozen=True, slots=True)
class Asking:
    """How to ask: the clocks, the seconds for all of it, and the User-Agent that marks the lines in the logs."""

    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    seconds: float = 15.0
    marker: str = "easfix"


def end_to_end(proxy: Server, target: Server, phone: Phone, asking: Asking) -> Proof:
    """Ask through the proxy for a mailbox on the target; one proof of both questions."""
    https = proxy.https or Https()
    try:
        place = Place(proxy.address, https.port, proxy.fqdn, trust(https.ca))
    except (OSError, ssl.SSLError) as error:
        return _proof(proxy, target, Judgement(UNKNOWN, "ca-unreadable", f"{https.ca}: {error}"), Answer(), asking)
    talk = Talk(place, asking.monotonic, asking.seconds)
    try:
        return _talk(talk, proxy, target, phone, asking)
    finally:
        talk.close()


def _talk(talk: Talk, proxy: Server, target: Server, phone: Phone, asking: Asking) -> Proof:
    agent = (("User-Agent", asking.marker),)
    try:
        with braked(phone, proxy.name) as attempt:
            options = talk.put(phone.basic(Question("OPTIONS", PATH, agent)))
            attempt.blame = blamed(options)
            attempt.is_accepted = is_activesync(options)
    except Denied as error:
        return _proof(proxy, target, Judgement(UNKNOWN, "password-not-tried", error.message), Answer(), asking)
    found = judge_options(options)
    if found.verdict is not GOOD:
        return _proof(proxy, target, found, options, asking)
    folders = talk.put(phone.basic(_folder_sync(phone, asking)))
    judgement = judge_folders(folders)
    both = f"OPTIONS {options.header(VERSION)}; FolderSync {judgement.evidence}"
    return _proof(proxy, target, Judgement(judgement.verdict, judgement.cause, both), folders, asking, options)


def is_activesync(answer: Answer) -> bool:
    """ActiveSync has answered, which it does to nobody whose password is wrong; an error may be a load balancer's."""
    return answer.status == 200 and bool(answer.header(VERSION))


def _folder_sync(phone: Phone, asking: Asking) -> Question:
    query = f"Cmd=FolderSync&User={quote(phone.name)}&DeviceId={DEVICE_ID}&DeviceType={DEVICE_TYPE}"
    headers = (
        ("User-Agent", asking.marker),
        ("MS-ASProtocolVersion", "2.5"),
        ("Content-Type", CONTENT_TYPE),
    )
    return Question("POST", f"{PATH}?{query}", headers, FIRST_FOLDER_SYNC)


def judge_options(answer: Answer) -> Judgement:
    """What the proxy's answer to OPTIONS says about the path behind it."""
    if answer.trouble is not None:
        return _silent(answer, "options")
    evidence = evidence_of(answer)
    match answer.status:
        case 200:
            return _version(answer)
        case 401:
            return Judgement(UNKNOWN, "password-refused" if answer.offers("Basic") else "basic-not-offered", evidence)
        case 403:  # the proxy refuses this mailbox by itself (domain 1.6): the server behind it was not asked
            return Judgement(UNKNOWN, "options-403", evidence)
    return Judgement(BAD, f"options-{answer.status}", evidence)


def _version(answer: Answer) -> Judgement:
    version = answer.header(VERSION)
    if version.startswith(OURS):
        return Judgement(GOOD, "", f"{VERSION}: {version}")
    if version:
        said = f"{VERSION}: {version}, which is the proxy's own answer"
        return Judgement(UNKNOWN, "mailbox-elsewhere", said)
    return Judgement(BAD, "options-without-version", evidence_of(answer))


def judge_folders(answer: Answer) -> Judgement:
    """What the answer to FolderSync says about the mailbox behind the path."""
    if answer.trouble is not None:
        return _silent(answer, "foldersync")
    evidence = evidence_of(answer)
    match answer.status:
        case 200:
            return _folders(answer)
        case 401:
            return Judgement(BAD, "foldersync-401", evidence)
        case 449:  # "Need Provisioning": see POLICY_FIRST
            return Judgement(UNKNOWN, "policy-required", evidence)
    return Judgement(BAD, f"foldersync-{answer.status}", evidence)


def _folders(answer: Answer) -> Judgement:
    try:
        status = folder_status(answer.content)
    except BrokenWbxml as error:
        kind = answer.header("Content-Type")[:60] or "no type"
        return Judgement(BAD, "foldersync-no-wbxml", f"HTTP 200 ({kind}) and no WBXML: {error}")
    if status in POLICY_FIRST:
        return Judgement(UNKNOWN, "policy-required", f"HTTP 200, Status {status}")
    if status != SUCCESS:
        return Judgement(BAD, "foldersync-status", f"HTTP 200, Status {status}")
    return Judgement(GOOD, "", "HTTP 200, Status 1")


def _silent(answer: Answer, question: str) -> Judgement:
    """No answer: of the proxy itself where the question never left, else of what is behind it."""
    assert answer.trouble is not None  # the callers ask first
    if not answer.is_sent:
        return Judgement(UNKNOWN, _NOT_REACHED[answer.trouble], answer.message or "no answer")
    word = "too-slow" if answer.received else _NO_ANSWER.get(answer.trouble, "broken-off")
    if answer.trouble is not Trouble.TIMED_OUT:
        word = _NO_ANSWER.get(answer.trouble, "broken-off")
    return Judgement(UNKNOWN, f"{question}-{word}", answer.message or "no answer")


def _proof(
    proxy: Server, target: Server, judgement: Judgement, answer: Answer, asking: Asking, before: Answer | None = None
) -> Proof:
    took = [each.latency_ms for each in (answer, before) if each is not None and each.latency_ms is not None]
    return Proof(
        origin=proxy.name,
        target=target.name,
        probe=Probe.END_TO_END,
        verdict=judgement.verdict,
        at=asking.now(),
        cause=judgement.cause,
        status=answer.status,
        latency_ms=round(sum(took), 1) if took else None,
        evidence=judgement.evidence,
    )
