"""Secrets of Systems Manager: read at the first use, kept for five minutes, and written nowhere."""

import json
from typing import TYPE_CHECKING, Any, cast

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError

from shared.runtime.secrets import Secrets

if TYPE_CHECKING:
    from mypy_boto3_ssm import SSMClient

_FAILURES = (
    ClientError({"Error": {"Code": "ThrottlingException"}}, "GetParameter"),
    ConnectTimeoutError(endpoint_url="https://ssm.example"),
)


class FakeParameters:
    """Systems Manager with one parameter, which fails while it is given an error."""

    def __init__(self) -> None:
        self.value = {"api_key": "first"}
        self.error: Exception | None = None
        self.reads = 0

    def get_parameter(self, *, Name: str, WithDecryption: bool) -> dict[str, Any]:  # noqa: N803  # boto3's names
        assert (Name, WithDecryption) == ("/the/parameter", True)
        self.reads += 1
        if self.error:
            raise self.error
        return {"Parameter": {"Value": json.dumps(self.value)}}


class Kept:
    """Secrets of the fake, and a clock that a test advances."""

    def __init__(self) -> None:
        self.ssm, self.seconds = FakeParameters(), 1000.0
        client = cast("SSMClient", self.ssm)
        self.secrets = Secrets(client, "/the/parameter", lambda: self.seconds)

    def read(self, *, after: float = 0) -> str:
        self.seconds += after
        return str(self.secrets.read()["api_key"])


@pytest.fixture
def kept() -> Kept:
    return Kept()


def test_secret_is_read_at_the_first_use_and_kept_for_five_minutes(kept: Kept) -> None:
    assert kept.ssm.reads == 0
    assert [kept.read(), kept.read(after=299)] == ["first", "first"]
    assert kept.ssm.reads == 1


def test_changed_secret_is_read_after_five_minutes(kept: Kept) -> None:
    kept.read()
    kept.ssm.value = {"api_key": "second"}
    assert [kept.read(after=299), kept.read(after=1)] == ["first", "second"]
    assert kept.ssm.reads == 2


@pytest.mark.parametrize("error", _FAILURES, ids=lambda error: type(error).__name__)
def test_last_secret_is_used_and_ssm_spared_while_it_does_not_answer(
    kept: Kept, error: Exception
) -> None:
    kept.read()
    kept.ssm.value, kept.ssm.error = {"api_key": "second"}, error
    assert [kept.read(after=300), kept.read(after=299)] == ["first", "first"]
    assert kept.ssm.reads == 2
    kept.ssm.error = None
    assert kept.read(after=1) == "second"


@pytest.mark.parametrize("error", _FAILURES, ids=lambda error: type(error).__name__)
def test_failure_is_raised_while_the_secret_was_never_read(kept: Kept, error: Exception) -> None:
    kept.ssm.error = error
    for _ in range(2):
        with pytest.raises(type(error)):
            kept.read()
    kept.ssm.error = None
    assert kept.read() == "first"


def test_secret_is_neither_printed_nor_logged(
    kept: Kept, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    kept.read()
    kept.ssm.error = _FAILURES[0]
    kept.read(after=300)
    shown = f"{kept.secrets!r} {kept.secrets} {capsys.readouterr()} {caplog.text}"
    assert "first" not in shown
