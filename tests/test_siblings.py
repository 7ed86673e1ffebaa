"""Each sibling fault is told where it is, and is silent on its no-op twin."""

from __future__ import annotations

import pytest
from finding_nouns import EXCHANGE, finding, service, vdir

from agent.model import AuthFlags, Finding, VdirRole
from agent.siblings import LOOKS, WARNINGS, breaks_the_path, siblings


def exchange(**different: object) -> Finding:
    return finding(vdir(), vdir(path=EXCHANGE, role=VdirRole.EXCHANGE, **different))


def named(**different: object) -> Finding:
    """ExchangeVDir names another directory than /Exchange, which asks for SSL and a form itself (KB817379)."""
    return finding(
        vdir(),
        vdir(8, path=EXCHANGE, role=VdirRole.EXCHANGE, is_forms_based=True),
        vdir(path="W3SVC/1/ROOT/exchange-oma", role=VdirRole.EXCHANGE_VDIR, **different),
        exchange_vdir="/exchange-oma",
    )


CASES = {
    "no-activesync-directory": (
        [finding(vdir(path=EXCHANGE, role=VdirRole.EXCHANGE))],
        [finding()],
    ),
    "web-service-stopped": (
        [finding(services=(service("W3SVC", "Stopped"),)), finding(services=(service("w3svc", "StopPending"),))],
        [finding(), finding(services=(service("SMTPSVC", "Stopped"),))],
    ),
    "site-stopped": ([finding(vdir(is_site_running=False))], [finding()]),
    "port-80-not-bound": (
        [finding(vdir(bindings=":8080:")), finding(vdir(bindings="")), finding(vdir(bindings="80"))],
        [finding(vdir(bindings="10.0.0.1:80: :8080:x")), finding(vdir(bindings=":8080:"), vdir(bindings=":80:host"))],
    ),
    "integrated-authentication-missing": (
        [finding(vdir(auth_flags=AuthFlags.BASIC)), finding(vdir(auth_flags=AuthFlags(0)))],
        [finding(vdir(auth_flags=AuthFlags.NTLM | AuthFlags.ANONYMOUS))],
    ),
    "negotiate-not-offered": (
        [finding(vdir(providers="NTLM"))],
        [
            finding(vdir(providers="NTLM, negotiate")),
            finding(vdir(providers="")),  # the default offers both (domain 2.8)
            finding(vdir(providers="NTLM", auth_flags=AuthFlags.BASIC)),  # the word before says it
        ],
    ),
    "exchange-directory-needs-ssl": (
        [exchange(flags=vdir(8).flags), exchange(flags=vdir(256).flags), named(flags=vdir(64).flags)],
        [exchange(), exchange(flags=vdir(32).flags), named()],
    ),
    "forms-based-authentication": (
        [exchange(is_forms_based=True)],
        [exchange(), named(), named(is_forms_based=True), finding(vdir(is_forms_based=True))],
    ),
    "exchange-integrated-authentication-missing": (
        [exchange(auth_flags=AuthFlags.BASIC), named(auth_flags=AuthFlags(0))],
        [exchange(), named(), exchange(auth_flags=AuthFlags.BASIC | AuthFlags.NTLM)],
    ),
    "redirected": ([finding(vdir(redirect="https://mail.lab.example"))], [finding()]),
    "basic-over-plain-http": (
        [finding(vdir(auth_flags=AuthFlags.BASIC | AuthFlags.NTLM))],
        [finding(), exchange(auth_flags=AuthFlags.BASIC)],
    ),
}
FAULTY = [(name, found) for name, (faulty, _) in CASES.items() for found in faulty]
TWINS = [(name, found) for name, (_, twins) in CASES.items() for found in twins]


@pytest.mark.parametrize(("name", "found"), FAULTY, ids=[name for name, _ in FAULTY])
def test_a_fault_is_told_with_evidence_and_a_next_step(name: str, found: Finding) -> None:
    told = [each for each in siblings(found) if each.name == name]

    assert told, f"{name} is not told of"
    assert all(each.evidence and each.next_step for each in told)


@pytest.mark.parametrize(("name", "found"), TWINS, ids=[name for name, _ in TWINS])
def test_its_twin_is_silent(name: str, found: Finding) -> None:
    assert name not in [each.name for each in siblings(found)]


def test_a_server_that_is_well_has_no_siblings() -> None:
    assert siblings(finding()) == ()


def test_every_fault_of_the_table_has_a_case() -> None:
    assert len(CASES) == len(LOOKS)


def test_only_warnings_leave_the_path_whole() -> None:
    told = {each.name: each for _, found in FAULTY for each in siblings(found)}

    assert {name for name, each in told.items() if not breaks_the_path(each)} == WARNINGS
