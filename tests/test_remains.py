"""What remains broken after a change that was right: when the change is not to blame, and when it may be."""

from __future__ import annotations

from dataclasses import replace

import pytest
from finding_nouns import AT, EAS, SERVER, finding, vdir

from agent.model import Finding, Probe, Proof, Sibling, SslFlags, VdirRole, Verdict
from agent.remains import Remains, remains

G, B, U = Verdict.GOOD, Verdict.BAD, Verdict.UNKNOWN
EXCHANGE = "W3SVC/1/ROOT/Exchange"
NEEDS_SSL = Sibling("exchange-directory-needs-ssl", f"{EXCHANGE} has AccessSSLFlags 8", "Create another.", "KB817379")


def proof(kind: Probe, verdict: Verdict, cause: str = "", origin: str = "CAS01") -> Proof:
    return Proof(origin, SERVER.name, kind, verdict, AT, cause, evidence="as seen")


def hop(verdict: Verdict, cause: str = "", origin: str = "CAS01") -> Proof:
    return proof(Probe.HOP, verdict, cause, origin)


def through(verdict: Verdict, cause: str = "", origin: str = "CAS01") -> Proof:
    return proof(Probe.END_TO_END, verdict, cause, origin)


ILL: Finding = replace(
    finding(vdir(8), vdir(8, EXCHANGE, role=VdirRole.EXCHANGE)), siblings=(NEEDS_SSL,)
)  # both need SSL: the one that is cleared, and the one that ActiveSync reads the mailbox through
ALONE = finding(vdir(8))
READ = proof(Probe.METABASE, G, origin="agent")
REFUSED = [hop(B, "ssl-required", "agent"), hop(B, "ssl-required")]
MENDED = [READ, hop(G, origin="agent"), hop(G)]
FAILS = through(B, "foldersync-500")


def test_a_cause_that_stood_before_remains_and_the_change_stays() -> None:
    found = remains(SERVER, ILL, REFUSED, [*MENDED, FAILS])

    assert isinstance(found, Remains)
    assert found.mended == ("agent", "CAS01")
    assert found.words.startswith("SSL is cleared, and proved on the hop from agent, CAS01; FolderSync still fails")
    assert f"through CAS01: {EXCHANGE} has AccessSSLFlags 8 (KB817379). Create /exchange-oma" in found.words


def test_a_test_user_without_activesync_remains() -> None:
    found = remains(SERVER, ALONE, REFUSED, [*MENDED, through(B, "foldersync-403")])

    assert found is not None
    assert "which is about the test user" in found.words


def test_the_same_cause_through_two_proxies_is_said_once() -> None:
    before = [*REFUSED, hop(B, "ssl-required", "CAS02")]
    after = [*MENDED, hop(G, origin="CAS02"), FAILS, through(B, "foldersync-500", "CAS02")]
    found = remains(SERVER, ILL, before, after)

    assert found is not None
    assert found.words.count("KB817379") == 1
    assert "through CAS01, CAS02: " in found.words


UNCERTAIN = {
    "nobody knows what was before": (ILL, [], [*MENDED, FAILS]),
    "nothing was broken before": (ILL, [hop(G)], [READ, hop(G), FAILS]),
    "the hop is still bad": (ILL, REFUSED, [READ, hop(G, origin="agent"), hop(B, "negotiate-missing"), FAILS]),
    "the hop of that proxy is not known": (ILL, REFUSED, [READ, hop(G, origin="agent"), hop(U, "timed-out"), FAILS]),
    "the flag is there again": (ILL, REFUSED, [replace(READ, verdict=B), *MENDED[1:], FAILS]),
    "the flag was not read": (ILL, REFUSED, [replace(READ, verdict=U), *MENDED[1:], FAILS]),
    "a phone came through before": (ILL, [*REFUSED, through(G)], [*MENDED, FAILS]),
    "the settings explain nothing": (ALONE, REFUSED, [*MENDED, FAILS]),
    "it is another failure": (ILL, REFUSED, [*MENDED, through(B, "foldersync-503")]),
    "one of two has no cause": (ILL, [*REFUSED, hop(B, "ssl-required", "CAS02")],
                                [*MENDED, hop(G, origin="CAS02"), FAILS, through(B, "options-500", "CAS02")]),
    "nothing is broken": (ILL, REFUSED, [*MENDED, through(G)]),
}  # fmt: skip


@pytest.mark.parametrize("case", UNCERTAIN)
def test_where_the_change_may_be_to_blame_nothing_is_said_to_remain(case: str) -> None:
    seen, before, after = UNCERTAIN[case]

    assert remains(SERVER, seen, before, after) is None


def test_the_flag_that_was_cleared_is_never_what_remains() -> None:
    found = remains(SERVER, ILL, REFUSED, [*MENDED, FAILS])

    assert found is not None
    assert EAS not in found.words
    assert ILL.eas[0].flags & SslFlags.SSL
