"""systemd's readiness protocol, which is one datagram."""

import os
import socket


def notify(state: str) -> None:
    """Tell the service manager, if there is one (`READY=1`, `STOPPING=1`)."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(state.encode(), "\0" + path[1:] if path.startswith("@") else path)
        except OSError:
            return  # it is only a courtesy
