"""The messages between manager and agent, as frozen values. No I/O."""
