"""The one profile of all tests that try many values: how busy the machine is never decides one."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile(
    "easfix",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize=bool(os.environ.get("CI")),
)
settings.load_profile("easfix")
