"""What all tests share: property tests look for new cases at a desk, and try the same ones each time in CI."""

import os

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")
