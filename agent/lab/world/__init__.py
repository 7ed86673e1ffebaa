"""The simulated machines, with no wire in them.

Start at `build` (makes machines), `machine` (one machine and its parts) and `forest` (what machines share).
"""
