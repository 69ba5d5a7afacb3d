"""The swarm itself. Checks of your own can stand beside this file."""

from verify.test_cluster import *  # noqa: F403
