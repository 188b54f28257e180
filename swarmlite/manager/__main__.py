"""The daemon without the command line's libraries: what systemd and `swarmlite init` start."""

import argparse
import asyncio
import os
import sys
import time
from pathlib import Path

from swarmlite import logs, settings
from swarmlite.errors import FailedPrecondition, NotInCluster, SwarmliteError
from swarmlite.manager.app import DaemonOptions, run_daemon
from swarmlite.manager.background import NO_MEMBER

log = logs.logger("swarmlite.manager")

SOUND_AFTER = 10.0
"""Seconds after which a daemon that breaks is started again; one that breaks at once would only do so for ever."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="swarmlite daemon")
    parser.add_argument("--data-dir", type=Path, default=settings.DATA_DIR)
    parser.add_argument("--docker-host")
    parser.add_argument("--dns-listen")
    parser.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    asked = parser.parse_args()
    logs.setup(asked.log_level)
    options = DaemonOptions(data_dir=asked.data_dir, docker_host=asked.docker_host, dns_listen=asked.dns_listen)
    began = time.monotonic()
    try:
        asyncio.run(run_daemon(options))
    except (NotInCluster, FailedPrecondition) as error:
        log.error("daemon stops", why=error.message)
        return NO_MEMBER
    except SwarmliteError as error:
        log.error("daemon stops", why=error.message)
        return _again(began)
    except Exception:  # a bug must not leave the host without its daemon
        log.exception("daemon broke")
        return _again(began)
    return 0


def _again(began: float) -> int:
    """In this very process, with nothing kept; systemd does it better where it runs."""
    if "NOTIFY_SOCKET" not in os.environ and time.monotonic() - began > SOUND_AFTER:
        time.sleep(1.0)
        os.execv(sys.executable, [sys.executable, "-m", "swarmlite.manager", *sys.argv[1:]])
    return 1


if __name__ == "__main__":
    sys.exit(main())
