"""The numbers and names that the whole program shares, each with where it comes from."""

from pathlib import Path

PORT = 2377
"""The one port between hosts: Docker Swarm's own, so that firewalls already know it."""

VXLAN_PORT = 4789
"""UDP; the number IANA gave VXLAN."""

DATA_DIR = Path("/var/lib/swarmlite")
CLI_SOCKET = "swarmlite.sock"
DOCKER_SOCKET = "docker.sock"

API_VERSION = "1.47"
"""What the manager says in a ping. Clients from 29.0 on refuse less than 1.44; newer flags need no more than this."""

MIN_API_VERSION = "1.24"

MIN_ENGINE_API = (1, 40)
"""The oldest engine that agents drive (19.03): jobs, capabilities and `init` need nothing newer."""

BEAT = 1.0
"""Seconds between an agent's heartbeats."""

SUSPECT_AFTER = 2.0
"""Seconds without a heartbeat until a node's addresses leave every answer."""

DOWN_AFTER = 4.0
"""Seconds without a heartbeat until a node's tasks are replaced."""

AGENT_GONE_AFTER = 10.0
"""The same when the host itself closed the link: its agent died, its containers run on, so it gets time to return."""

AGENT_AWAITED = 60.0
"""Seconds for which that time begins anew as long as the machine answers: it lives, and so do its containers."""

TASK_HISTORY = 5
"""Ended tasks kept for each slot, Docker's own number."""

CLOCK_SKEW = 30.0
"""Seconds that a joining host's clock may differ from the manager's, as certificates and logs
need about the same time."""
