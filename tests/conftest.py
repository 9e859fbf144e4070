"""Fixtures for all tests."""

import os
import sys
from collections.abc import Callable, Generator, Iterator

import pytest
from hypothesis import HealthCheck, settings

from shared.runtime import aws, logging
from tests.support import privacy
from tests.support.aws import mocked_account

# Powertools reads these when its loggers and metrics are first asked for.
os.environ.setdefault("POWERTOOLS_SERVICE_NAME", "tests")
os.environ.setdefault("POWERTOOLS_METRICS_NAMESPACE", "Bodega")

# `--hypothesis-profile=torture`: what is generated quickly by default, a hundred times as often.
settings.register_profile(
    "torture", max_examples=10_000, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(scope="session", autouse=True)
def _iam(request: pytest.FixtureRequest) -> Iterator[None]:
    """With --iam-simulate, a function's policies must allow what it asks of AWS in any test."""
    if not request.config.getoption("--iam-simulate"):
        yield
        return
    # Imported here: reading the template takes longer than many a test.
    from tests.support.evaluators import denials, iam_simulate
    from tests.support.recorder import Recorder

    recorder = Recorder()
    with recorder.listening(aws._session().events):
        yield
    with iam_simulate() as evaluator:
        denied = "\n".join(denials(evaluator, recorder.asked))
    assert not denied, f"Not allowed by a policy:\n{denied}"


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
        help="check that the policies allow all requests of functions; make test does",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Nothing personal may be logged in any test."""
    # The logger keeps the stdout of the moment when it is made: in a test, capsys closes it later.
    logging.logger()
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
