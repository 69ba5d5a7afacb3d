"""The lab's checks, as labgen brings them; `pytest verify/` runs them."""

from verify.conftest import *  # noqa: F403
