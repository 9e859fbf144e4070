"""Workers without their cold start: a process that has imported everything, and from which each worker is forked.

A Lambda environment of this shop takes a second or two of CPU until it is ready, nearly all of it imports; hundreds of
killed ones could not be waited for. So this process imports the libraries and the services once and forks: the child
gets the function's variables, loads the entry's module anew as Lambda does (which reads the settings and makes the
clients), and becomes awslambdaric's loop. It is a process of its own like any other, and so is its death.

It makes no connection and no thread before it forks. It ends when its standard input does, and its children with it.
"""

import ctypes
import importlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from tools.local.places import APP_PYTHON, ROOT

_PR_SET_PDEATHSIG: Final = 1
_IMPORT_ROOTS: Final = ("functions", "layers/shared", ".")
PYTHONPATH: Final = os.pathsep.join(str(ROOT / root) for root in _IMPORT_ROOTS)


@dataclass
class Process:
    """A worker, held by what the kernel knows it by: a pid is used again, and this is not.

    `reap` is called when it has ended, by whoever is its parent.
    """

    pid: int
    reap: Callable[[], object] = lambda: None
    _handle: int = field(init=False)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        try:
            self._handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            self._handle = -1

    def kill(self) -> None:
        """With SIGKILL, which nothing can catch; nothing where it has ended."""
        with self._lock, suppress(ProcessLookupError):
            if self._handle >= 0:
                signal.pidfd_send_signal(self._handle, signal.SIGKILL)

    def wait(self) -> None:
        """Until it has ended."""
        if self._handle < 0:
            return
        ended = select.poll()
        ended.register(self._handle, select.POLLIN)
        ended.poll()
        self.reap()
        with self._lock:
            os.close(self._handle)
            self._handle = -1


class Zygote:
    """The forking process, from outside.

    Args:
        modules: what it imports: the modules of the functions' handlers.
        environment: its own, and its children's beside their variables.
    """

    def __init__(self, modules: list[str], environment: Mapping[str, str]) -> None:
        self._environment = {**environment, "PYTHONPATH": PYTHONPATH}
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            (APP_PYTHON, "-m", __name__, *modules),
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def start(self, handler: str, variables: Mapping[str, str], log: Path) -> Process:
        """A new worker, which runs awslambdaric with the handler; its output goes to the log's end."""
        assert self._process.stdin
        assert self._process.stdout
        order = {
            "handler": handler,
            "variables": {**self._environment, **variables},
            "log": str(log),
        }
        with self._lock:
            self._process.stdin.write(json.dumps(order).encode() + b"\n")
            self._process.stdin.flush()
            return Process(int(self._process.stdout.readline()))


def spawn(handler: str, variables: Mapping[str, str], log: Path) -> Process:
    """A worker without the zygote: as Lambda starts one, and as slow."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            (APP_PYTHON, "-m", "awslambdaric", handler),
            cwd=ROOT,
            env={**variables, "PYTHONPATH": PYTHONPATH},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    return Process(process.pid, process.wait)


def _become(order: dict[str, Any], zygote: int) -> None:
    """Turn this forked process into the worker. Never returns."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != zygote:
        return
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for descriptor, path, flags in (
        (0, os.devnull, os.O_RDONLY),
        (1, order["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT),
    ):
        opened = os.open(path, flags, 0o600)
        os.dup2(opened, descriptor)
        os.close(opened)
    os.dup2(1, 2)
    os.environ.clear()
    os.environ.update(order["variables"])
    # Lambda imports the handler's module with the variables set, and that builds the graph.
    del sys.modules[order["handler"].rpartition(".")[0]]
    # Not before the fork: its client reads its address when it is imported.
    from awslambdaric.__main__ import main

    main(["awslambdaric", order["handler"]])


def _serve(modules: list[str]) -> None:
    for module in modules:
        importlib.import_module(module)
    _wait_no_longer_than_a_second()
    _read_service_models()
    zygote = os.getpid()
    # The kernel forgets the children that end; nobody here waits for them.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin.buffer:
        pid = os.fork()
        if pid == 0:
            try:
                _become(json.loads(line), zygote)
            finally:
                os._exit(1)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()


def _wait_no_longer_than_a_second() -> None:
    """Nothing makes a delayed message visible when the tests let an hour pass."""
    from shared.messaging import redelivery

    redelivery._LONGEST_SECONDS = 1  # type: ignore[misc]


def _read_service_models() -> None:
    """Let botocore read its files once: its session keeps them. The clients are thrown away unused."""
    from shared.runtime import aws

    for service in ("dynamodb", "kms", "lambda", "sesv2", "sns", "sqs"):
        aws.client(service)


if __name__ == "__main__":
    _serve(sys.argv[1:])
