"""The load, and the matrix as it is printed at the end."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from tests.outages.load import Load, at_work
from tests.outages.matrix import DAY_MINUTES, MINUTES, Result
from tests.simulation.faults import Fault, Target


@dataclass
class Report:
    """What was tried and what it came to, a row for each target."""

    results: list[Result] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        lengths = (*MINUTES, DAY_MINUTES)
        yield (
            f"{'':<52}"
            + "".join(f"{fault.name.lower():>10}" for fault in Fault)
            + "".join(f"{f'{length} min':>10}" for length in lengths)
            + f"{'cells':>7}{'broken':>8}{'drained after':>15}"
        )
        rows = defaultdict[Target, list[Result]](list)
        for result in self.results:
            rows[result.cell.target].append(result)
        for target in sorted(rows, key=str):
            row = rows[target]
            counts = [sum(r.cell.fault is fault for r in row) for fault in Fault]
            counts += [sum(r.cell.minutes == length for r in row) for length in lengths]
            broken = sum(bool(r.breaches) for r in row)
            slowest = max((r.drained_seconds or 0 for r in row), default=0)
            yield (
                f"{target!s:<52}"
                + "".join(f"{count or '·':>10}" for count in counts)
                + f"{len(row):>7}{broken or '·':>8}{f'{slowest:.0f} s':>15}"
            )
        broken = sum(bool(r.breaches) for r in self.results)
        spent = sum(r.seconds for r in self.results)
        yield f"{len(self.results)} outages, {broken} broke a promise; {spent:.0f} s of CPU"


_REPORT = pytest.StashKey[Report]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_REPORT] = Report()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    report = terminalreporter.config.stash[_REPORT]
    if report.results:
        terminalreporter.section("outage matrix")
        for line in report.lines():
            terminalreporter.write_line(line)


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    return request.config.stash[_REPORT]


@pytest.fixture
def load() -> Iterator[Load]:
    with at_work() as load:
        yield load
