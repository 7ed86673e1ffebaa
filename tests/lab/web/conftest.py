"""The forest the web tests run in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from weblab import Lab


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Two back-ends, one CAS, and no server started yet."""
    made = Lab()
    yield made
    made.close()
