"""Get-WSManInstance reads the shell settings that the machine's WinRM service was started with."""

from __future__ import annotations

import pytest

from agent.lab import settings
from agent.lab.powershell.bindings import wsman
from agent.lab.winrm.config import winrs
from agent.lab.winrm.quotas import Quotas
from agent.lab.world.machine import Machine

READ = "(Get-WSManInstance -ResourceURI 'winrm/config/winrs').MaxShellsPerUser"
TRY = f"try {{ {READ} }} catch {{ $_.Exception.Message }}"


@pytest.fixture(autouse=True)
def published(machine: Machine) -> None:
    wsman.publish(machine, winrs(Quotas(shells_per_user=7)))


def test_a_setting_is_text(session) -> None:
    assert session.get(READ) == "7"


def test_a_clerk_may_not_read_it(clerk) -> None:
    assert "Access is denied" in clerk.get(TRY)


def test_a_stopped_service_answers_nobody(session, machine: Machine) -> None:
    settings.down(machine, "WinRM")

    assert "cannot connect" in session.get(TRY)
