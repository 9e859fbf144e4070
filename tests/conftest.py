"""Fixtures for all tests."""

import os
import sys
from collections.abc import Callable, Generator, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

from shared.runtime import aws
from tests.support import privacy
from tests.support.aws import mocked_account
from tests.support.second_opinion import SecondOpinion

if TYPE_CHECKING:
    from tests.support.policies import Request
    from tests.support.recorder import Recorder

# Powertools reads these when its loggers and metrics are first asked for.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "tests")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Bodega")

# `--hypothesis-profile=torture`: what is generated quickly by default, a hundred times as often.
settings.register_profile(
    "torture", max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="session")
def _violations() -> list[str]:
    """What no policy allows, or what AWS does not do; in the order in which it was noticed."""
    return []


@pytest.fixture(scope="session")
def _iam(request: pytest.FixtureRequest, _violations: list[str]) -> Iterator[None]:
    """A function's policies must allow what it asks of AWS in any test; with --iam-simulate another
    evaluator agrees."""

    @cache
    def recorder() -> "Recorder":
        # Imported here: reading the template takes longer than many a test.
        from tests.support.grants import granted
        from tests.support.policies import allows
        from tests.support.recorder import Recorder

        def judge(function: str, asked: "Request") -> None:
            if not allows(granted(function), asked):
                _violations.append(f"{function} may not {asked}")
                raise AssertionError(_violations[-1])

        return Recorder(judge)

    def record(**call: Any) -> None:
        recorder().record(**call)

    aws._session().events.register("before-parameter-build", record)
    yield
    aws._session().events.unregister("before-parameter-build", record)
    if request.config.getoption("--iam-simulate"):
        from tests.support.evaluators import denials, iam_simulate

        with iam_simulate() as evaluator:
            assert not list(denials(evaluator, recorder().asked)), "iam-simulate denies it"


@pytest.fixture(scope="session")
def _aws(_violations: list[str]) -> Iterator[None]:
    """AWS must accept what clients send in any test, and may give the answer that they read."""

    def report(mistake: str) -> None:
        _violations.append(mistake)
        raise AssertionError(mistake)

    opinion = SecondOpinion(report)
    opinion.listen(aws._session().events)
    yield
    opinion.close()


@pytest.fixture(autouse=True)
def _fail_for_violations(_iam: None, _aws: None, _violations: list[str]) -> Iterator[None]:
    """The code under test may have caught the error that a violation raises."""
    yield
    found = "\n".join(_violations)
    _violations.clear()
    if found:
        pytest.fail(f"Not allowed by a policy, or not by AWS:\n{found}", pytrace=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Metrics, which functions print as JSON, are not shown with a failure."""
    report = yield
    report.sections = [
        (title, "".join(line for line in text.splitlines(keepends=True) if '"_aws":' not in line))
        for title, text in report.sections
    ]
    return report


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--iam-simulate",
        action="store_true",
        help="have iam-simulate judge all requests of functions, too; make test does",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Nothing personal may be logged in any test."""
    config.pluginmanager.register(privacy.listen(), privacy.EAVESDROPPER)


@pytest.fixture
def account() -> Iterator[None]:
    """An empty mocked AWS account."""
    with mocked_account():
        yield


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Prints, whatever pytest captures: the figures of a proof that takes a while."""

    def say(line: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n{line}")
            sys.stdout.flush()

    return say
