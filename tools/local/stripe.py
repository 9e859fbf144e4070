"""A Stripe on this machine: localstripe, and the proxy before it."""

import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tools.local import processes
from tools.local.places import APP_PYTHON, HOST, LOCALSTRIPE_PYTHON, clean_environment
from tools.progress import Problem

LOCALSTRIPE: Final = "tools.local.localstripe"
PROXY: Final = "tools.local.stripe_proxy"
KEY: Final = "sk_test_local"
WEBHOOK_SECRET: Final = "whsec_local"  # noqa: S105  # of nothing but this machine


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
    for name, python, ports in (
        (LOCALSTRIPE, LOCALSTRIPE_PYTHON, (behind,)),
        (PROXY, APP_PYTHON, (port, behind)),
    ):
        log = folder / f"{name.rpartition('.')[2]}.log"
        pid = processes.start((python, "-m", name, *map(str, ports)), clean_environment(), log)
        remember(name, pid)
        _wait(name, pid, ports[0], log)


def _wait(name: str, pid: int, port: int, log: Path) -> None:
    processes.wait_until(
        lambda: processes.listening(port),
        lambda: processes.alive(pid, name),
        Problem(f"{name} did not start: {processes.shown(log)} says why."),
    )


def send_webhooks(port: int, shop: str) -> None:
    """Have localstripe send its webhooks to the shop."""
    hook = {"url": f"{shop}/webhooks/stripe", "secret": WEBHOOK_SECRET}
    request = urllib.request.Request(
        f"{address(port)}/_config/webhooks/shop",
        json.dumps(hook).encode(),
        {"Content-Type": "application/json"},
    )
    urllib.request.urlopen(request, timeout=5).close()
