"""`easfix check` says before a change that SSL is not the only cause: for each fault that keeps phones out as well.

One server for each; all of them require SSL too, so that a change is due on every one.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agent.cli.main import call
from agent.lab import settings
from agent.lab.fleet import Fleet, Pace
from agent.lab.layout import CONFIG_FILE, Layout
from agent.lab.world.machine import Machine

ROOT = "W3SVC/1/ROOT"
EAS, EXCHANGE = f"{ROOT}/Microsoft-Server-ActiveSync", f"{ROOT}/Exchange"
Harm = Callable[[Machine], None]


def written(path: str, name: str, value: Any) -> Harm:
    return lambda machine: machine.metabase.set(path, name, value)


ILLS: dict[str, Harm] = {
    "web-service-stopped": lambda machine: settings.down(machine, "W3SVC"),
    "port-80-not-bound": written("W3SVC/1", "ServerBindings", (":8080:",)),
    "integrated-authentication-missing": settings.basic_only,
    "negotiate-not-offered": written(EAS, "NTAuthenticationProviders", "NTLM"),
    "exchange-directory-needs-ssl": settings.exchange_vdir_ssl,
    "forms-based-authentication": settings.forms_auth,
    "exchange-integrated-authentication-missing": written(EXCHANGE, "AuthFlags", 2),
    "redirected": written(EAS, "HttpRedirect", "https://mail.lab.example"),
    "address-refused": settings.address_refused,
}
NAMES = {name: f"EX{number:02}" for number, name in enumerate(ILLS, 1)}
ALONE = f"EX{len(ILLS) + 1:02}"


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """What `check` says of each server."""
    home = tmp_path_factory.mktemp("before")
    every = [*NAMES.values(), ALONE]
    faults = [*(f"require-ssl@{name}" for name in every), "block-legacy@CAS02", "service-down=W3SVC@CAS03"]
    with Fleet(len(every), 3, faults, seed=1, pace=Pace(warm_up_seconds=0.0)) as fleet:
        for ill, name in NAMES.items():
            ILLS[ill](fleet[name].machine)
            fleet[name].machine.metabase.save()
        layout = Layout(home)
        layout.write(fleet, 0, "")
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(io.StringIO()):
            call(["--config", str(home / CONFIG_FILE), "--json", "check", "--beyond-max-servers"])
        yield {each["name"]: each for each in json.loads(out.getvalue())["servers"]}
        layout.remove()


@pytest.mark.parametrize("ill", ILLS)
def test_each_other_cause_is_said_and_a_change_is_still_due(checked: dict[str, dict[str, Any]], ill: str) -> None:
    server = checked[NAMES[ill]]
    (found,) = (each for each in server["siblings"] if each["name"] == ill)

    assert server["state"] == "pending"
    assert "SSL is not the only cause" in server["reason"]
    assert found["evidence"] in server["reason"] or ill in server["reason"]
    assert found["next_step"] != ""


@pytest.mark.parametrize(("proxy", "ill"), [("CAS02", "block-legacy"), ("CAS03", "proxy-down")])
def test_what_a_proxy_does_to_every_server_is_said_of_each(
    checked: dict[str, dict[str, Any]], proxy: str, ill: str
) -> None:
    for server in checked.values():
        assert ill in {each["name"] for each in server["siblings"]}
        assert f"(through {proxy})" in server["reason"]


def test_nothing_else_is_said_of_a_server_that_has_nothing_else(checked: dict[str, dict[str, Any]]) -> None:
    names = {each["name"] for each in checked[ALONE]["siblings"]}

    assert names & set(ILLS) == set()
    assert names >= {"block-legacy", "proxy-down"}
