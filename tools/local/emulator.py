"""The AWS emulator (ministack): a process on the loopback, without persistence."""

import hashlib
import json
import os
import shutil
import urllib.request
from pathlib import Path

from tools.local import processes
from tools.local.places import CREDENTIALS, EMULATOR_PYTHON, HOST, REGION, clean_environment
from tools.progress import Problem

NAME = "tools.local.ministack"
_MEMORY = Path("/dev/shm")  # noqa: S108  # no secret: the folder in it is of a name of its own
_PLENTY = 8 * 1024**3


def endpoint(port: int) -> str:
    return f"http://{HOST}:{port}"


def scratch(folder: Path) -> Path:
    """Where the functions are unpacked, 54 MB for each worker: in memory if there is plenty."""
    if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _PLENTY:
        name = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:12]
        return _MEMORY / f"bodega-{name}"
    return folder / "tmp"


def start(port: int, folder: Path, *, enforce_iam: bool) -> int:
    """Start it and wait until it answers; returns its pid.

    Its functions run on its own interpreter and inherit its environment, so both are chosen here.

    Args:
        port: where it listens.
        folder: for its log.
        enforce_iam: deny what the template's policies don't allow, as the cloud does.
    """
    temporary = scratch(folder)
    temporary.mkdir(parents=True, exist_ok=True)
    environment = {
        **clean_environment(),
        **CREDENTIALS,
        "AUTH": str(enforce_iam).lower(),
        "BIND_HOST": HOST,
        "MINISTACK_HOST": HOST,
        "MINISTACK_REGION": REGION,
        "GATEWAY_PORT": str(port),
        # Else it opens ports on every interface.
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        # This machine's own settings do not concern the functions.
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "TMPDIR": str(temporary),
    }
    log = folder / "emulator.log"
    pid = processes.start((EMULATOR_PYTHON, "-m", NAME), environment, log)
    failed = Problem(f"The emulator did not start: {processes.shown(log)} says why.")
    processes.wait_until(lambda: is_healthy(port), lambda: processes.alive(pid, NAME), failed)
    return pid


def is_healthy(port: int, host: str = HOST) -> bool:
    """Whether an emulator answers there."""
    url = f"http://{host}:{port}/_ministack/health"
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return "services" in json.load(answer)
    except (OSError, ValueError):
        return False
