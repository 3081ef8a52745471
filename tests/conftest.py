"""Settings for all tests: one thread a worker, no network, a cache that runs share."""

import os

from hypothesis import settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("HF_HUB_OFFLINE", "1")

settings.register_profile("notekin", deadline=None)
settings.load_profile("notekin")
