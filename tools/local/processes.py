"""Programs in the background: each with its log file, each ended as a group, none by its name."""

import contextlib
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import sleep  # also where a simulation has replaced time.sleep

from tools.local.places import HOST, ROOT
from tools.progress import Problem

# Those that this process has started itself; `make stop` ends others'.
_children: dict[int, subprocess.Popen[bytes]] = {}


def start(command: Sequence[str | Path], environment: Mapping[str, str], log: Path) -> int:
    """Start in a session of its own, which Ctrl-C does not reach; returns its pid."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    _children[process.pid] = process
    return process.pid


def alive(pid: int, name: str) -> bool:
    """Whether the process is there and still the one that was started: pids are used again."""
    if pid in _children:
        return _children[pid].poll() is None
    command_line = Path(f"/proc/{pid}/cmdline")
    if command_line.parent.parent.joinpath("self").exists():
        try:
            return name in command_line.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            return False
    shown = subprocess.run(
        ("ps", "-o", "command=", "-p", str(pid)), capture_output=True, text=True, check=False
    )
    return name in shown.stdout


def end(pid: int, name: str, wait_seconds: float = 1) -> None:
    """End it with all that it has started: SIGTERM, and after a while SIGKILL."""
    if not alive(pid, name):
        return
    os.killpg(pid, signal.SIGTERM)
    deadline = time.monotonic() + wait_seconds
    while alive(pid, name) and time.monotonic() < deadline:
        sleep(0.05)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
    if pid in _children:
        _children.pop(pid).wait()


def discard(folder: Path) -> None:
    """Remove a folder in the background: unpacked functions are tens of thousands of files."""
    if not folder.exists():
        return
    rubbish = folder.with_name(f"{folder.name}-{os.getpid()}-{time.monotonic_ns()}")
    folder.rename(rubbish)
    # The shell ends at once, and its child goes on alone.
    command = ("sh", "-c", 'rm -rf "$0" &', rubbish)
    subprocess.run(command, start_new_session=True, stdin=subprocess.DEVNULL, check=False)


def wait_until(ready: Callable[[], bool], is_alive: Callable[[], bool], failed: Problem) -> None:
    """Wait half a minute for something to answer; raise when it ends first or never does."""
    deadline = time.monotonic() + 30
    while not ready():
        if not is_alive() or time.monotonic() > deadline:
            raise failed
        sleep(0.05)


def listening(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def shown(path: Path) -> str:
    """A path as a person types it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
