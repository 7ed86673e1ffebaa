"""Owns the limits a WinRM 2.0 service enforces."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Quotas:
    """Defaults of WinRM 2.0 with KB968930 on Server 2003. domain 6.1"""

    envelope_bytes: int = 150 * 1024  # MaxEnvelopeSizekb
    minimum_envelope_bytes: int = 8192  # [MS-WSMV] 3.1.4.1.20: smaller is refused
    operation_seconds: float = 60.0  # MaxTimeoutms
    shell_idle_seconds: float = 180.0  # IdleTimeout
    shell_bytes: int = 150 * 1024 * 1024  # MaxMemoryPerShellMB; the lab counts output that waits to be received
    processes_per_shell: int = 15  # MaxProcessesPerShell; a finished command counts until it is signalled
    shells_per_user: int = 5  # MaxShellsPerUser
    header_bytes: int = 16 * 1024  # HTTP.sys MaxRequestBytes, MaxFieldLength
    connection_idle_seconds: float = 120.0  # HTTP.sys ConnectionTimeout
    # How long an answer waits for the end of a command that has begun to speak, so that a short script is one
    # answer, as the plug-in's OutputBufferingMode Block makes it. [MS-WSMV] 2.2.4.28
    linger_seconds: float = 0.05
    fragment_bytes: int = 32 * 1024  # PowerShell 2.0 cuts a PSRP message into pieces of 32 KB
