"""What the answer to FolderSync proves: the mailbox was read, ActiveSync wants something first, or it cannot."""

from __future__ import annotations

import pytest
from finding_nouns import AT, SERVER, finding

from agent.decoder import Certainty, conclude
from agent.model import Probe, Proof, Verdict
from agent.probe import Answer
from agent.probe.endtoend import judge_folders
from agent.probe.evidence import Evidence
from agent.probe.judge import Judgement
from agent.survey import CellState, Subject, recorded
from agent.verify import sum_up

GOOD, BAD, UNKNOWN = Verdict.GOOD, Verdict.BAD, Verdict.UNKNOWN
WBXML = (("content-type", "application/vnd.ms-sync.wbxml"),)


def folders(status: int) -> bytes:
    """A FolderSync answer with this status and nothing else ([MS-ASWBXML], page 7)."""
    return b"\x03\x01\x6a\x00\x00\x07\x56\x4c\x03" + str(status).encode() + b"\x00\x01\x01"


@pytest.mark.parametrize(
    ("status", "verdict", "cause"),
    [
        (1, GOOD, ""),
        (6, BAD, "foldersync-status"),
        (9, BAD, "foldersync-status"),
        (140, BAD, "foldersync-status"),  # remote wipe: nothing that a policy settles
        (141, UNKNOWN, "policy-required"),
        (142, UNKNOWN, "policy-required"),
        (144, UNKNOWN, "policy-required"),
        (145, BAD, "foldersync-status"),
    ],
)
def test_the_status_of_wbxml_decides(status: int, verdict: Verdict, cause: str) -> None:
    found = judge_folders(Answer(200, headers=WBXML, content=folders(status)))

    assert (found.verdict, found.cause) == (verdict, cause)
    assert found.evidence == f"HTTP 200, Status {status}"


def needs_policy() -> Judgement:
    return judge_folders(Answer(449, headers=(("ms-server-activesync", "6.5.7638.1"),)))


def proofs() -> tuple[Proof, Proof]:
    said = needs_policy()
    hop = Proof("CAS01", SERVER.name, Probe.HOP, GOOD, AT, status=401)
    return hop, Proof("CAS01", SERVER.name, Probe.END_TO_END, said.verdict, AT, said.cause, 449, evidence=said.evidence)


def test_http_449_is_no_failure_of_the_path_and_no_proof_of_it() -> None:
    found = needs_policy()

    assert (found.verdict, found.cause, found.evidence) == (UNKNOWN, "policy-required", "HTTP 449")


def test_http_449_has_a_cause_of_its_own_with_what_to_do() -> None:
    (found,) = conclude(Evidence("CAS01", SERVER, AT, finding(), proofs=proofs()))

    assert (found.cause.name, found.certainty) == ("policy-required", Certainty.CERTAIN)
    assert "Exempt the test user" in found.cause.next_step
    assert found.evidence == ("through CAS01: policy-required (HTTP 449)",)


def test_http_449_leaves_the_cell_unknown_and_the_change_proved_by_its_hop() -> None:
    (cell,) = recorded([Subject(SERVER, finding(), proofs())])
    summary = sum_up(proofs())

    assert cell.state is CellState.UNKNOWN
    assert summary.verdict is GOOD
    assert "end to end through CAS01: policy-required" in summary.words
