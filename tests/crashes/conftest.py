"""The shop, and the matrix as it is printed at the end."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from tests.crashes.matrix import SINGLE, Point
from tests.simulation.faults import Mode
from tests.simulation.shop import SimulatedShop, opened


@dataclass
class Report:
    """What was tried and what it came to, a row for each scenario."""

    rows: list[tuple[str, int, list[Point]]] = field(default_factory=list)

    def add(self, scenario: str, calls: int, points: list[Point]) -> None:
        self.rows.append((scenario, calls, points))

    def lines(self) -> Iterator[str]:
        modes = [*SINGLE, Mode.ZOMBIES_WAKE]
        yield (
            f"{'':<48}{'calls':>6}"
            + "".join(f"{mode.name.lower():>14}" for mode in modes)
            + (f"{'points':>9}{'broken':>8}{'e-mail twice':>14}")
        )
        for scenario, calls, points in self.rows:
            met = [[mode for _, mode in point.met.values()] for point in points]
            counts = "".join(f"{sum(mode in faults for faults in met):>14}" for mode in modes)
            broken = sum(bool(point.breaches) for point in points)
            twice = sum(point.doubled_in_window > 0 for point in points)
            yield f"{scenario:<48}{calls:>6}{counts}{len(points):>9}{broken:>8}{twice:>14}"
        everything = [point for _, _, points in self.rows for point in points]
        broken = sum(bool(point.breaches) for point in everything)
        yield f"{len(everything)} points, {broken} broke a promise"


_REPORT = pytest.StashKey[Report]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_REPORT] = Report()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    report = terminalreporter.config.stash[_REPORT]
    if report.rows:
        terminalreporter.section("crash matrix")
        for line in report.lines():
            terminalreporter.write_line(line)


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Report:
    return request.config.stash[_REPORT]


@pytest.fixture(scope="module")
def opened_stage() -> Iterator[tuple[SimulatedShop, Callable[[], None]]]:
    with opened() as shop:
        yield shop, shop.remember()


@pytest.fixture
def shop(opened_stage: tuple[SimulatedShop, Callable[[], None]]) -> SimulatedShop:
    """As it was when it opened."""
    shop, restore = opened_stage
    restore()
    return shop
