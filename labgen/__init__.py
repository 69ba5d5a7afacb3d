"""labgen: a Docker Swarm lab as data, and what turns it into machines."""

__version__ = "0.1.0"
