"""What every section measures: the built functions, the baselines, and their canned AWS."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from bench.canned.server import CannedAws
from bench.functions import Signer, asked_first, functions
from bench.packages import baselines, compile_runtime
from bench.subjects import Subject
from tools.local import sam
from tools.local.places import STATE
from tools.progress import Problem, step


@dataclass(frozen=True)
class Stand:
    """The subjects by name, and their AWS.

    Attributes:
        asked_first: the same with what customers ask them for first.
    """

    subjects: dict[str, Subject]
    asked_first: dict[str, Subject]
    aws: CannedAws

    @property
    def endpoint(self) -> str:
        return self.aws.endpoint


@contextmanager
def opened() -> Iterator[Stand]:
    """Build and pack what has changed, and serve AWS; at the end, a missing answer is a Problem."""
    if sys.platform != "linux":
        raise Problem("make bench runs on Linux, as Lambda does: it reads /proc.")
    with step("build") as progress:
        if not sam.build_if_changed(STATE / "build.log"):
            progress.note("unchanged")
    with step("pack the baselines"):
        compile_runtime()
        subjects = baselines()
    signer = Signer()
    subjects += functions(signer)
    with CannedAws(signer.public_key) as aws:
        token = signer.token()
        first = {subject.name: asked_first(subject, token) for subject in subjects}
        yield Stand({subject.name: subject for subject in subjects}, first, aws)
        aws.check()
