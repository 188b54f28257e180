"""The daemon without the command line's libraries: what systemd and `swarmlite init` start."""

import argparse
import asyncio
import sys
from pathlib import Path

from swarmlite import logs, settings
from swarmlite.errors import FailedPrecondition, NotInCluster, SwarmliteError
from swarmlite.manager.app import DaemonOptions, run_daemon
from swarmlite.manager.background import NO_MEMBER

log = logs.logger("swarmlite.manager")


def main() -> int:
    parser = argparse.ArgumentParser(prog="swarmlite daemon")
    parser.add_argument("--data-dir", type=Path, default=settings.DATA_DIR)
    parser.add_argument("--docker-host")
    parser.add_argument("--dns-listen")
    parser.add_argument("--log-level", default="info", choices=("debug", "info", "warning", "error"))
    asked = parser.parse_args()
    logs.setup(asked.log_level)
    options = DaemonOptions(data_dir=asked.data_dir, docker_host=asked.docker_host, dns_listen=asked.dns_listen)
    try:
        asyncio.run(run_daemon(options))
    except SwarmliteError as error:
        log.error("daemon stops", why=error.message)
        return NO_MEMBER if isinstance(error, (NotInCluster, FailedPrecondition)) else 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
