"""What changes machines: the bootstrap of a swarm, and the exercises carried out on it."""
