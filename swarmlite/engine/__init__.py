"""The Docker Engine of this host, typed: what the agent needs of it and no more."""
