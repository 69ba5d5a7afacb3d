"""What is known of nodes and swarm."""
