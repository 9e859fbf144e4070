"""What every section measures: the built functions, the baselines, and their canned AWS."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from bench.canned.server import CannedAws
from bench.functions import Signer, functions
from bench.packages import baselines, compile_runtime
from bench.report import Progress
from bench.subjects import Subject
from tools.local import sam
from tools.local.places import STATE
from tools.progress import Problem


@dataclass(frozen=True)
class Stand:
    """The subjects by name, and their AWS."""

    subjects: dict[str, Subject]
    aws: CannedAws

    @property
    def endpoint(self) -> str:
        return self.aws.endpoint

    def chosen(self, names: Sequence[str]) -> list[Subject]:
        """Those with these names."""
        if unknown := set(names) - self.subjects.keys():
            known = ", ".join(self.subjects)
            raise Problem(f"There is no {', '.join(sorted(unknown))} to measure, but {known}.")
        return [self.subjects[name] for name in names]

    def of(self, *kinds: str) -> list[Subject]:
        """Those of these kinds."""
        return [subject for subject in self.subjects.values() if subject.kind in kinds]


@contextmanager
def opened(progress: Progress) -> Iterator[Stand]:
    """Build and pack what has changed, and serve AWS; at the end, a missing answer is a Problem."""
    if sys.platform != "linux":
        raise Problem("make bench runs on Linux, as Lambda does: it reads /proc.")
    with progress("build") as step:
        if not sam.build_if_changed(STATE / "build.log"):
            step.note("unchanged")
    with progress("pack the baselines"):
        compile_runtime()
        subjects = baselines()
    signer = Signer()
    subjects += functions(signer)
    with CannedAws(signer.public_key) as aws:
        yield Stand({subject.name: subject for subject in subjects}, aws)
        aws.check()
