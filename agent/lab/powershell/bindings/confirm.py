"""Owns -WhatIf and -Confirm of the cmdlets that change something."""

from __future__ import annotations

from agent.lab.powershell.clr import ClrError
from agent.lab.powershell.command import Parameter
from agent.lab.powershell.invocation import Invocation

CONFIRM = (Parameter("WhatIf", "Switch", aliases=("wi",)), Parameter("Confirm", "Switch", aliases=("cf",)))


def proceed(invocation: Invocation, operation: str, target: str) -> bool:
    """Whether to do it: -WhatIf says what would be done; -Confirm cannot be answered by a host without a person."""
    if invocation.switch("WhatIf"):
        text = f'What if: Performing operation "{operation}" on Target "{target}".'
        invocation.engine.sink.host(text + "\n")
        return False
    if invocation.switch("Confirm"):
        raise ClrError(
            "A command that prompts the user failed because the host program or the command type does not support user "
            "interaction. The host was attempting to request confirmation with the following message: "
            f'Performing operation "{operation}" on Target "{target}".',
            "System.Management.Automation.Host.HostException",
            bases=("System.Management.Automation.RuntimeException",),
        )
    return True
