"""The agent: makes one host's Docker Engine hold what the manager assigned to it, and goes on without a manager."""
