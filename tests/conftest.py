"""What all tests have in common: a temporary folder of their own, and one profile for those that try many values."""

import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "easfix",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("easfix")


def pytest_configure() -> None:
    """What is started here hears every signal: in the background of a shell, or under nohup, some are ignored.

    A child inherits that somebody ignores a signal, and not that somebody has a handler for it that does nothing.
    """
    for name in ("SIGINT", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, lambda *_: None)


@pytest.fixture(scope="session", autouse=True)
def own_temporary_folder() -> Iterator[Path]:
    """What a test, or a process it starts, leaves in the temporary folder goes with it when the tests are over."""
    with tempfile.TemporaryDirectory(prefix="easfix-tests-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # a database server that a test starts as another user works there too
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("TMPDIR", folder)
            patch.setattr(tempfile, "tempdir", folder)
            yield Path(folder)
