"""Owns how many files this process may hold open: every port of every machine is one."""

from __future__ import annotations

import errno
import sys

OF_THE_PROCESS = 128  # Python's own, threads' pipes, the control port, the journal of whoever tests
LISTENING = 4  # WinRM (a port and the copy asyncio owns), HTTP, HTTPS
IN_USE = 12  # with connections from clients, from a proxy, and from scripts

if sys.platform != "win32":
    import resource

    def make_room(machines: int) -> None:
        """Raise the soft limit where it is too low; OSError(EMFILE) where the hard limit is too low to listen."""
        wanted, least = OF_THE_PROCESS + IN_USE * machines, OF_THE_PROCESS + LISTENING * machines
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft == resource.RLIM_INFINITY or soft >= wanted:
            return
        reachable = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        if reachable > soft:
            try:
                resource.setrlimit(resource.RLIMIT_NOFILE, (reachable, hard))
                soft = reachable
            except (ValueError, OSError):
                pass  # macOS has a further limit that only the kernel knows; then what there is must do
        if soft < least:
            raise OSError(errno.EMFILE, f"{machines} machines need {least} open files, this process may hold {soft}")

else:

    def make_room(machines: int) -> None:
        """Windows has no such limit on sockets."""
