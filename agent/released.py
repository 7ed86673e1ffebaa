"""Owns which SHA256SUMS is the one of this release: its own SHA-256, as `make sums` wrote it."""

SUMS = "be9c5f0a2eb422257da8976e863ea2e3cb41a29459018500ec99177cbb0e8263"
