"""A Stripe on this machine: localstripe, and the proxy before it."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.local import processes
from tools.local.places import APP_PYTHON, HOST, LOCALSTRIPE_PYTHON, clean_environment
from tools.progress import Problem

LOCALSTRIPE: Final = "tools.local.localstripe"
PROXY: Final = "tools.local.stripe_proxy"
KEY: Final = "sk_test_local"


def address(port: int) -> str:
    return f"http://{HOST}:{port}"


def start(port: int, folder: Path, remember: Callable[[str, int], None]) -> None:
    """Start both and wait until the proxy answers.

    Args:
        port: the proxy's.
        folder: for their logs.
        remember: called with the name and the pid of each that was started.
    """
    behind = processes.free_port()
    for name, command, listens_on in (
        (LOCALSTRIPE, (LOCALSTRIPE_PYTHON, "-m", LOCALSTRIPE, str(behind)), behind),
        (PROXY, (APP_PYTHON, "-m", PROXY, str(port), str(behind)), port),
    ):
        log = folder / f"{name.rpartition('.')[2]}.log"
        pid = processes.start(command, clean_environment(), log)
        remember(name, pid)
        failed = Problem(f"{name} did not start: {processes.shown(log)} says why.")
        processes.wait_until(
            lambda port=listens_on: processes.listening(port),
            lambda pid=pid, name=name: processes.alive(pid, name),
            failed,
        )
