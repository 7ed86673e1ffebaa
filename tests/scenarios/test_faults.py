"""Every fault the lab can name, without a wire and over it: what each command says, and that the lab agrees."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from agreement import disagreements
from harness import Photograph, Stand, expected_code

from agent.lab.faults import FAULTS


class Row(NamedTuple):
    """A fault with its argument, and the state that each command comes to."""

    fault: str
    check: str  # and plan, and apply --dry-run
    apply: str
    verify: str
    rollback: str = ""  # nothing to take back
    restarts: int = 0


CURED = ("pending", "changed", "right", "rolled_back", 1)
WELL = ("right", "right", "right")
GUARDED = ("skipped", "skipped", "skipped")
OTHERWISE_ILL = ("failed", "failed", "failed")
OUT_OF_REACH = ("unreachable", "unreachable", "unreachable")
NO_SENSE = ("unknown", "unknown", "unknown")

TABLE = (
    #    fault                          check, apply, verify, rollback, restarts
    Row("healthy", *WELL),
    Row("require-ssl", *CURED),
    Row("require-ssl-128", *CURED),
    Row("inherited-ssl", *CURED),
    Row("child-override", *CURED),
    Row("second-site", *CURED),
    Row("client-certificates", *GUARDED),
    Row("basic-only", *OTHERWISE_ILL),
    Row("address-refused", "right", "right", "failed"),
    Row("exchange-vdir-ssl", *OTHERWISE_ILL),
    Row("forms-auth", *OTHERWISE_ILL),
    Row("front-end", *GUARDED),
    Row("old-service-pack", *GUARDED),
    Row("clustered-ds2mb", *GUARDED),
    # One second falls into the last of the restart, so that the look afterwards finds the flag there again.
    Row("ds2mb-revert=1", "pending", "reverted", "pending", "rolled_back", 1),
    Row("no-eas-vdir", *OTHERWISE_ILL),
    Row("custom-403-redirect", *CURED),
    Row("localised=de-DE", *WELL),
    Row("stuck-service=SMTPSVC", "pending", "failed", "pending", "right", 1),
    Row("left-stopped=SMTPSVC", *CURED),
    Row("service-down=W3SVC", *OTHERWISE_ILL),
    Row("iisreset-disabled", *GUARDED),
    Row("iisreset-loses-change", *CURED),
    Row("disk-full", "pending", "failed", "pending", "right", 0),
    Row("reboot-mid-run=1", *CURED),
    Row("reboot-mid-run=0.1", *CURED),  # before iisreset has begun, most often
    Row("slow=0.02", *WELL),
    Row("unreachable", *OUT_OF_REACH),
    Row("reset-mid-answer", *NO_SENSE),
    Row("auth-denied", *OUT_OF_REACH),
    Row("not-admin", *OUT_OF_REACH),
    Row("psrp-disabled", *WELL),
    Row("garbage-answer", *NO_SENSE),
    Row("oversized-answer", *NO_SENSE),
    Row("http-filtered", "right", "right", "unknown"),
    Row("http-reset", *WELL),  # the status comes before the break
    Row("http-garbage", "right", "right", "unknown"),
    Row("http-endless", *WELL),  # the status has been understood; the body need not end
    Row("http-drip=0.001", *WELL),
    Row("http-header-bomb", "right", "right", "unknown"),
    Row("http-bad-wbxml", *WELL),
)
PROXY_TABLE = (Row("block-legacy", "right", "right", "failed"),)
PAIRS: tuple[tuple[Row, tuple[str, ...], Mapping[str, Any]], ...] = (
    (Row("psrp-disabled", *CURED), ("require-ssl@EX01",), {}),
    (Row("slow=0.02", *CURED), ("require-ssl@EX01",), {}),
    (Row("localised=de-DE", *CURED), ("require-ssl@EX01",), {}),
    (Row("iisreset-loses-change", *CURED), ("inherited-ssl@EX01",), {}),
    (Row("ds2mb-revert=1", "pending", "reverted", "pending", "rolled_back", 1), ("child-override@EX01",), {}),
    (Row("basic-only", "pending", "rolled_back", "pending", "right", 1), ("require-ssl@EX01",), {}),
    (Row("exchange-vdir-ssl", "pending", "changed", "failed", "rolled_back", 1), ("require-ssl@EX01",), {}),
    (Row("http-garbage", "pending", "unknown", "unknown", "rolled_back", 1), ("require-ssl@EX01",), {}),
    (Row("client-certificates", *CURED), (), {"guards": {"allow_client_certificates": True}}),
    (Row("front-end", *CURED), (), {"guards": {"allow_front_end": True}}),
    (Row("old-service-pack", *CURED), (), {"guards": {"allow_old_service_pack": True}}),
    (Row("clustered-ds2mb", *CURED), (), {"guards": {"allow_directory_managed": True}}),
    (Row("require-ssl", "pending", "changed", "right", "rolled_back", 0), (), {"restart": {"method": "none"}}),
    (Row("iisreset-disabled", "pending", "changed", "right", "rolled_back", 0), (), {"restart": {"method": "recycle"}}),
    (Row("child-override", "pending", "changed", "right", "rolled_back", 1), ("second-site@EX01",), {}),
)


def known(name: str) -> bool:
    return name.partition("=")[0] in FAULTS


def test_the_table_knows_every_fault_of_the_lab() -> None:
    rows = {row.fault.partition("=")[0] for row in (*TABLE, *PROXY_TABLE)}

    assert set(FAULTS) <= rows


@pytest.mark.parametrize("way", ["fake", "wire"])
@pytest.mark.parametrize("row", [row for row in TABLE if known(row.fault)], ids=lambda row: row.fault)
def test_what_is_said_of_a_fault_is_so(tmp_path: Path, way: str, row: Row) -> None:
    with Stand(tmp_path, way, [f"{row.fault}@EX01"]) as stand:
        tour(stand, row)


@pytest.mark.parametrize("way", ["fake", "wire"])
@pytest.mark.parametrize("row", [row for row in PROXY_TABLE if known(row.fault)], ids=lambda row: row.fault)
def test_what_is_said_of_a_fault_of_the_proxy_is_so(tmp_path: Path, way: str, row: Row) -> None:
    with Stand(tmp_path, way, [f"{row.fault}@CAS01"]) as stand:
        tour(stand, row)


@pytest.mark.parametrize("way", ["fake", "wire"])
@pytest.mark.parametrize(
    ("row", "others", "settings"),
    [pair for pair in PAIRS if known(pair[0].fault)],
    ids=["+".join((row.fault, *others, *settings)) for row, others, settings in PAIRS if known(row.fault)],
)
def test_what_is_said_of_two_things_at_once_is_so(
    tmp_path: Path, way: str, row: Row, others: tuple[str, ...], settings: Mapping[str, Any]
) -> None:
    with Stand(tmp_path, way, [f"{row.fault}@EX01", *others], settings=settings) as stand:
        tour(stand, row)


def tour(stand: Stand, row: Row) -> None:
    """Each command in its turn; whatever it says, the lab agrees."""
    before = stand.photograph()
    looks_only(stand, row, before)
    applied = stand.easfix("apply", str(stand.home / "plan.json"), "--yes")

    assert (applied.state(), applied.code) == (row.apply, expected_code(row.apply, "apply")), applied.reason()
    assert disagrees(stand, row, applied, before) == []
    restarts = stand.truth().iisresets
    # Where the power fails before iisreset has begun, the boot is the restart.
    assert max(restarts, stand.truth().reboots) == row.restarts

    verified = stand.easfix("verify")

    assert (verified.state(), verified.code) == (row.verify, expected_code(row.verify, "verify")), verified.reason()
    assert stand.truth().iisresets == restarts

    if row.check != "pending":  # nothing was to be done, so no run was begun
        assert applied.document["run"] is None and not (stand.home / "journal.db").exists()
        return
    taken_back = stand.easfix("rollback", "last", "--yes")

    assert (taken_back.state(), taken_back.code) == (row.rollback, 0), taken_back.reason()
    assert stand.truth().iisresets == restarts
    if row.rollback == "rolled_back":
        assert disagreements(stand, taken_back, before) == []


def looks_only(stand: Stand, row: Row, before: dict[str, Photograph]) -> None:
    """check, plan and --dry-run say the same, and leave no trace on any machine, nor a record."""
    plan = str(stand.home / "plan.json")
    for command in (["check"], ["plan", "-o", plan], ["apply", "--dry-run"], ["apply", plan, "--dry-run"]):
        answer = stand.easfix(*command)

        assert (answer.state(), answer.code) == (row.check, expected_code(row.check, command[0])), answer.reason()
        assert stand.photograph() == before, command
    assert not (stand.home / "journal.db").exists()


def disagrees(stand: Stand, row: Row, answer: Any, before: dict[str, Photograph]) -> list[str]:
    """Without a restart, or with a lighter one, there is no iisreset to be missed."""
    found = disagreements(stand, answer, before)
    return [each for each in found if row.restarts or each != "changed, but IIS was not restarted"]
