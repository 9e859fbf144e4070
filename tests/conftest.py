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


_DENIED = pytest.StashKey[list[str]]()
_MISTAKES = pytest.StashKey[list[str]]()


@pytest.fixture(scope="session", autouse=True)
def _iam(request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever a function asks of AWS in any test of this session, its policies must allow; of a whole run, by an
    evaluator that is not ours as well."""
    denied = request.config.stash.setdefault(_DENIED, [])

    @cache
    def recorder() -> "Recorder":
        # Where used: reading the template takes longer than many a test.
        from tests.support.grants import granted
        from tests.support.policies import allows
        from tests.support.recorder import Recorder

        def judge(function: str, asked: "Request") -> None:
            if not allows(granted(function), asked):
                # Told at the end as well: the function may have caught the error.
                denied.append(f"{function} may not {asked}")
                raise AssertionError(denied[-1])

        return Recorder(judge)

    def hear(**call: Any) -> None:
        recorder().hear(**call)

    aws._session().events.register("before-parameter-build", hear)
    yield
    aws._session().events.unregister("before-parameter-build", hear)
    if request.config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        from tests.support.evaluators import denials, iam_simulate

        with iam_simulate() as evaluator:
            denied += [f"iam-simulate: {one}" for one in denials(evaluator, recorder().asked)]


@pytest.fixture(scope="session", autouse=True)
def _aws(request: pytest.FixtureRequest) -> Iterator[None]:
    """What AWS would refuse of a client, or never answer, in any test of this session."""
    mistakes = request.config.stash.setdefault(_MISTAKES, [])

    def report(mistake: str) -> None:
        mistakes.append(mistake)
        raise AssertionError(mistake)

    opinion = SecondOpinion(report)
    opinion.listen(aws._session().events)
    yield
    opinion.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Metrics, which functions print as JSON, are not shown with a failure."""
    report = yield
    report.sections = [
        (title, "".join(line for line in text.splitlines(keepends=True) if '"_aws":' not in line))
        for title, text in report.sections
    ]
    return report


def pytest_sessionfinish(session: pytest.Session) -> None:
    if any(session.config.stash.get(key, []) for key in (_DENIED, _MISTAKES)):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    titles = {_DENIED: "what no policy allows", _MISTAKES: "what AWS does not do"}
    for key, title in titles.items():
        if found := terminalreporter.config.stash.get(key, []):
            terminalreporter.section(title)
            for line in found:
                terminalreporter.write_line(line)


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
