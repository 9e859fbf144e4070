"""Functions of the template, each in a process of its own that sees only the layer and the shop's
own code."""

import json
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.subjects import Subject
from tools.local.places import APP_PYTHON, CREDENTIALS, ROOT

OURS: Final = (ROOT / "functions", ROOT / "layers/shared", ROOT)
_NO_ENDPOINT: Final = "http://127.0.0.1:9"


@dataclass(frozen=True)
class Started:
    """What tests.layer.function reports of one function; the fields are documented there."""

    modules: dict[str, str | None]
    sources: list[str]
    patterns: list[str]
    collects: bool
    frozen: int
    answers: list[Any]


def build(makefile: str, target: str, folder: Path, layer: str) -> str:
    """Build a layer or a package into a new folder; returns what make says when it fails."""
    folder.mkdir()
    variables = (f"LAYER={layer}", "LAMBDA_PLATFORM=host", f"ARTIFACTS_DIR={folder}")
    ended = subprocess.run(
        ("make", "--file", ROOT / makefile, target, *variables),
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
        check=False,
    )
    return ended.stderr if ended.returncode else ""


def start(
    subject: Subject,
    layer: Path,
    *,
    task_root: Path = ROOT,
    package: Path | None = None,
    endpoint: str = _NO_ENDPOINT,
    events: Sequence[Any] = (),
) -> Started:
    """Start the function, and invoke it with each event.

    Args:
        layer: the folder of its libraries.
        package: the folder of libraries that only this function has.
        task_root: the folder of what was compiled for its service at the build.
    """
    libraries = (layer, *([package] if package else ()))
    ended = subprocess.run(
        (APP_PYTHON, "-S", "-m", "tests.layer.function"),
        env=subject.variables
        | CREDENTIALS
        | {
            "AWS_SESSION_TOKEN": "test",
            "AWS_ENDPOINT_URL": endpoint,
            "LAMBDA_TASK_ROOT": str(task_root),
            "PATH": os.defpath,
            "PYTHONPATH": os.pathsep.join(map(str, (*OURS, *libraries))),
        },
        input=json.dumps({"handler": subject.handler, "events": events}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"{subject.name}: {ended.stderr}"
    return Started(**json.loads(ended.stdout))
