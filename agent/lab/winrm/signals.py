"""Owns signals to commands. [MS-WSMV] 2.2.4.38"""

from __future__ import annotations

from agent.lab.winrm import wsmanfault as faults
from agent.lab.winrm.shell import Shell

_INTERRUPTS = ("/signal/ctrl_c", "/signal/ctrl_break", "/signal/crtl_c")  # the last as Windows clients misspell it


def act(shell: Shell, command_id: str | None, code: str) -> None:
    """Do what the signal says; WsmanFault for an unknown command or code."""
    low = code.lower()
    if not low.endswith((*_INTERRUPTS, "/signal/terminate")):
        raise faults.schema("rsp:Code")
    if command_id is None:
        return  # to the shell itself: nothing runs outside of commands
    command = shell.find(command_id)
    if low.endswith("/signal/terminate"):
        shell.commands.pop(command.id, None)
        command.terminate()
    else:
        command.interrupt()
