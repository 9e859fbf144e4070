"""One execution environment: a process with the runtime in it, and what it has cost so far."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from bench.packages import PYTHON
from bench.subjects import Subject
from tools.local.places import CREDENTIALS, REGION
from tools.progress import Problem
from tools.runtime_api import Answer, RuntimeApi

# Under valgrind a start takes half a minute, and more on a busy machine.
_TIMEOUT_SECONDS: Final = 900
_MAPPED: Final = re.compile(r"^(Rss|Anonymous):\s+(\d+) kB$", re.MULTILINE)


@dataclass(frozen=True)
class Spent:
    """Seconds since the process was started: of CPU, and on the clock."""

    cpu: float
    wall: float

    def since(self, earlier: "Spent") -> "Spent":
        return Spent(self.cpu - earlier.cpu, self.wall - earlier.wall)


@dataclass(frozen=True)
class Memory:
    """Bytes: all that is resident, and the part of it that was read from no file."""

    resident: int
    anonymous: int


class Environment:
    """The process of a function, from its start to its end.

    Args:
        subject: the function.
        endpoint: where AWS is.
        under: a command that runs the process, with its arguments.
        hash_seed: Python's; Lambda's is random.
        python: the interpreter; its packages come last on the path.
    """

    def __init__(
        self,
        subject: Subject,
        endpoint: str,
        *,
        under: Sequence[str] = (),
        hash_seed: str = "random",
        python: Path = PYTHON,
    ) -> None:
        self._subject = subject
        self._log = tempfile.TemporaryFile()  # noqa: SIM115  # closed by __exit__
        self._api = RuntimeApi(_arn(subject.name), timeout=_TIMEOUT_SECONDS)
        variables = _variables(subject, endpoint, self._api.address) | {"PYTHONHASHSEED": hash_seed}
        self.started: Final = time.perf_counter()
        self._process = subprocess.Popen(
            (*under, str(python), "-m", "awslambdaric", subject.handler),
            cwd=subject.task,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()
        self._api.close()
        self._log.close()

    def until_ready(self) -> Spent:
        """Wait until the runtime requests its first invocation."""
        while not self._api.ready.wait(1):
            if self._process.poll() is not None or self.spent().wall > _TIMEOUT_SECONDS:
                raise Problem(f"{self._subject.name} did not start:\n{self.log()}")
        return self.spent()

    def answer(self, other: Subject | None = None) -> Spent:
        """Have the event answered, or that of another subject with the same package, and wait until
        the runtime requests the next one."""
        asked = other or self._subject
        self.check(self.invoke(asked.fresh(asked.event)), asked)
        self._api.ready.wait(_TIMEOUT_SECONDS)
        return self.spent()

    def check(self, answer: Answer, asked: Subject) -> None:
        """Raise Problem if it is not the right answer to the subject's event."""
        if answer.error or not asked.is_right(answer.json()):
            said = answer.payload.decode(errors="replace")[:500]
            raise Problem(f"{asked.name} gives a wrong answer: {said}\n{self.log()}")

    def invoke(self, event: bytes) -> Answer:
        """Its answer to any event."""
        return self._api.invoke(event).result(_TIMEOUT_SECONDS)

    def spent(self) -> Spent:
        """Up to now."""
        # The CPU clock of another process, with ended threads: clock_getcpuclockid(3).
        clock = (~self._process.pid << 3) | 2
        return Spent(time.clock_gettime(clock), time.perf_counter() - self.started)

    def memory(self) -> Memory:
        """What it holds now."""
        rollup = Path(f"/proc/{self._process.pid}/smaps_rollup").read_text()
        found = {name: int(kilobytes) * 1024 for name, kilobytes in _MAPPED.findall(rollup)}
        return Memory(found["Rss"], found["Anonymous"])

    def end(self) -> int:
        """Terminate it; returns the exit code."""
        self._process.terminate()
        return self._process.wait()

    def log(self) -> str:
        """All that it has printed."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")


def _arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:123456789012:function:{name.partition(',')[0]}"


def _variables(subject: Subject, endpoint: str, runtime_api: str) -> dict[str, str]:
    """Nothing of this machine: Lambda's variables, the function's, and where things are here."""
    # Lambda unpacks layers into /opt, and some variables say so.
    own = {
        name: value.replace("/opt/", f"{subject.layer}/")
        for name, value in subject.variables.items()
    }
    return {
        **CREDENTIALS,
        "AWS_SESSION_TOKEN": "test",
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_LAMBDA_RUNTIME_API": runtime_api,
        "LAMBDA_TASK_ROOT": str(subject.task),
        "PATH": os.defpath,
        "PYTHONPATH": os.pathsep.join((str(subject.task), str(subject.layer / "python"))),
        "PYTHONDONTWRITEBYTECODE": "1",
        **own,
    }
