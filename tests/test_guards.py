"""Each guard speaks against a change where it must, and is silent on its no-op twin."""

from __future__ import annotations

from dataclasses import replace

import pytest
from finding_nouns import EAS, SERVER, ad_object, child, finding, vdir

from agent.guards import LOOKS, obstacles
from agent.model import Finding, Guard

SITE_100 = "W3SVC/100/ROOT/Microsoft-Server-ActiveSync"
SITE_2 = "W3SVC/2/ROOT/Microsoft-Server-ActiveSync"

CASES: dict[Guard, tuple[list[Finding], list[Finding]]] = {
    Guard.FRONT_END: (
        [finding(is_front_end=True), finding(is_front_end=None)],
        [finding(is_front_end=False)],
    ),
    Guard.CLIENT_CERTIFICATES: (
        [finding(vdir(64)), finding(vdir(128)), finding(vdir(8, children=(child(64),))), finding(vdir(), vdir(0x1C8))],
        [finding(vdir(8)), finding(vdir(32)), finding(vdir(256, children=(child(8),)))],
    ),
    Guard.DIRECTORY_MANAGED: (
        [
            finding(vdir(8), is_clustered=True),
            finding(vdir(8, SITE_100)),
            finding(vdir(8, SITE_100), ad_objects=(ad_object(1), ad_object(100))),
        ],
        [
            finding(vdir(8)),
            finding(vdir(8, SITE_2)),  # a web site that Exchange did not make
            finding(vdir(8), ad_objects=(ad_object(1), ad_object(100))),
        ],
    ),
    Guard.OLD_SERVICE_PACK: (
        [finding(exchange_service_pack=1), finding(exchange_service_pack=0)],
        [finding(exchange_service_pack=2), finding(exchange_service_pack=3)],
    ),
}
SPEAKING = [(guard, found) for guard, (speaking, _) in CASES.items() for found in speaking]
TWINS = [(guard, found) for guard, (_, twins) in CASES.items() for found in twins]


@pytest.mark.parametrize(("guard", "found"), SPEAKING, ids=[str(guard) for guard, _ in SPEAKING])
def test_a_guard_speaks_with_a_reason_and_what_to_do_instead(guard: Guard, found: Finding) -> None:
    told = [each for each in obstacles(SERVER, found) if each.guard is guard]

    assert told, f"{guard} is silent"
    assert all(each.reason and each.instead and not each.is_overridden for each in told)


@pytest.mark.parametrize(("guard", "found"), TWINS, ids=[str(guard) for guard, _ in TWINS])
def test_its_twin_is_silent(guard: Guard, found: Finding) -> None:
    assert guard not in [each.guard for each in obstacles(SERVER, found)]


@pytest.mark.parametrize(("guard", "found"), SPEAKING, ids=[str(guard) for guard, _ in SPEAKING])
@pytest.mark.parametrize("allowed", list(Guard))
def test_only_the_setting_of_its_name_overrides_it(guard: Guard, found: Finding, allowed: Guard) -> None:
    server = replace(SERVER, allowed=frozenset({allowed}))
    told = [each for each in obstacles(server, found) if each.guard is guard]

    assert all(each.is_overridden == (allowed is guard) for each in told)


def test_every_guard_has_a_case_and_a_look() -> None:
    assert set(CASES) == set(Guard)
    assert len(LOOKS) == len(Guard)


def test_a_server_that_is_well_has_no_obstacles() -> None:
    assert obstacles(SERVER, finding()) == ()


def test_the_key_that_uses_certificates_is_named_with_its_own_word() -> None:
    (told,) = obstacles(SERVER, finding(vdir(8, children=(child(64),))))

    assert told.reason == f"{EAS}/Devices uses client certificates (AccessSSLFlags 64: client certificate required)"


@pytest.mark.parametrize(
    ("objects", "dn"),
    [
        ((ad_object(100, dn="CN=Microsoft-Server-ActiveSync,CN=100,DC=real"),), "CN=100,DC=real"),
        ((), "CN=Microsoft-Server-ActiveSync,CN=100,CN=HTTP,CN=Protocols,CN=EX01,CN=Servers,..."),
    ],
)
def test_the_object_to_change_instead_is_named(objects: tuple[object, ...], dn: str) -> None:
    (told,) = obstacles(SERVER, finding(vdir(8, SITE_100), ad_objects=objects))

    assert dn in told.instead
