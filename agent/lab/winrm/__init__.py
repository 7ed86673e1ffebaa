"""WinRM 2.0 and PSRP 2.1 on loopback, for unmodified clients."""
