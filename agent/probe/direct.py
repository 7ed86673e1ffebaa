"""Owns the direct question with a logon: OPTIONS over plain HTTP to the back-end, as a test user, from this machine."""

from __future__ import annotations

from agent.errors import Denied
from agent.model import Probe, Proof, Server, Verdict
from agent.probe.answer import PATH, Answer
from agent.probe.connecting import Place
from agent.probe.endtoend import OURS, VERSION, Asking, is_activesync
from agent.probe.judge import Judgement, evidence_of, judge
from agent.probe.phone import Logged, LogonFailed, Phone, blamed, braked, log_on, token_of
from agent.probe.talk import Question, Talk
from agent.transport.faults import Fault, Stage
from agent.transport.gate import Blame
from agent.transport.translation import translate

_SPOKEN = {"": "nobody", "kerberos": "Kerberos", "ntlm": "NTLM"}
_KERBEROS = {
    translate("", Fault(Stage.OPENING, logon_code=code)).message: cause
    for code, cause in (
        (-1765328370, "kerberos-encryption"),  # KRB5KDC_ERR_ETYPE_NOSUPP
        (-1765328343, "ticket-refused"),  # KRB5KRB_AP_ERR_MODIFIED
        (-1765328340, "ticket-refused"),  # KRB5KRB_AP_ERR_BADKEYVER
    )
}
"""What the transport's table says of a logon that failed by Kerberos alone, and the cause it is."""


def direct(target: Server, phone: Phone, asking: Asking) -> Proof:
    """Ask the back-end; the proof says whether the logon of the proxy's kind works there."""
    talk = Talk(Place(target.address, target.http_port, target.fqdn), asking.monotonic, asking.seconds)
    logged = Logged(Answer())
    question = Question("OPTIONS", PATH, (("User-Agent", asking.marker),))
    try:
        with braked(phone, target.name) as attempt:
            attempt.blame = Blame.NONE
            try:
                logged = log_on(talk, question, phone, target.fqdn)
            except LogonFailed as failed:
                attempt.blame = failed.blame
                raise
            judgement = judge_logon(logged.answer, logged.protocol)
            attempt.blame = blamed(logged.answer) if logged.has_tried else Blame.NONE
            # A ticket is the domain's own word.
            attempt.is_accepted = logged.protocol == "kerberos" or (logged.has_tried and is_activesync(logged.answer))
    except LogonFailed as failed:
        judgement = Judgement(Verdict.UNKNOWN, _kind(failed), f"{failed.error.message}. {failed.error.next_step}")
    except Denied as error:
        judgement = Judgement(Verdict.UNKNOWN, "password-not-tried", error.message)
    finally:
        talk.close()
    return Proof(
        "agent",
        target.name,
        Probe.LOGON,
        judgement.verdict,
        asking.now(),
        judgement.cause,
        logged.answer.status,
        logged.answer.latency_ms,
        judgement.evidence,
    )


def judge_logon(answer: Answer, protocol: str) -> Judgement:
    """What the last answer says. Without an offer no logon was tried.

    A server that refuses a Kerberos ticket says nothing of the password, which the domain has accepted already.
    """
    evidence = evidence_of(answer)
    if answer.status == 200:
        version = answer.header(VERSION)
        if version.startswith(OURS):
            return Judgement(Verdict.GOOD, "", f"{VERSION}: {version}, logged on by {_SPOKEN[protocol]}")
        return Judgement(Verdict.BAD, "no-activesync", f"{evidence}, {VERSION}: {version or 'none'}")
    if answer.status == 401 and token_of(answer):
        return Judgement(Verdict.UNKNOWN, "broken-off", f"{evidence}; the logon did not come to its end")
    if answer.status == 401 and answer.offers("Negotiate") and protocol == "kerberos":
        return Judgement(Verdict.UNKNOWN, "ticket-refused", f"{evidence} and refused the domain's ticket for it")
    if answer.status == 401 and answer.offers("Negotiate"):
        return Judgement(Verdict.UNKNOWN, "password-refused", evidence)
    return judge(answer)


def _kind(failed: LogonFailed) -> str:
    if failed.error.message in _KERBEROS:
        return _KERBEROS[failed.error.message]
    return "password-refused" if failed.blame is not Blame.NONE else "logon-failed"
