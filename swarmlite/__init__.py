"""swarmlite: a Docker Compose file, running on a pool of Docker hosts."""

__version__ = "0.1.0"
