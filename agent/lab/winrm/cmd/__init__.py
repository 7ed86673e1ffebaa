"""A small cmd.exe: what the command shell of WinRM runs lines with."""
