"""The exercise on load balancing."""

from verify.test_loadbalance import *  # noqa: F403
