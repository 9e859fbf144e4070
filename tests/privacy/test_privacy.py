"""The listener that finds personal data in the logs of all tests."""

import json
import logging
from collections.abc import Iterator

import httpx
import pytest

from shared.runtime.logging import logger
from tests.support.privacy import Eavesdropper, Privacy

# In no other test: what those send is remembered, too.
ADDRESS = "x7unlogged@x7privacy.example"


@pytest.fixture
def privacy() -> Privacy:
    return Privacy()


@pytest.fixture
def eavesdropper(privacy: Privacy) -> Iterator[Eavesdropper]:
    eavesdropper = Eavesdropper(privacy)
    logging.getLogger().addHandler(eavesdropper)
    yield eavesdropper
    logging.getLogger().removeHandler(eavesdropper)


def test_personal_fields_and_tokens_of_an_exchange_are_found(privacy: Privacy) -> None:
    request = httpx.Request(
        "POST",
        "https://shop.example/",
        headers={"Authorization": "Bearer first-token"},
        json={"password": "second-token", "users": [{"email": ADDRESS}], "id": "a-thing"},
    )
    privacy.exchanged(httpx.Response(200, request=request, text='{"access_token": "third-token"'))
    privacy.body('{"payment_token": "fourth-token", "payment": {"client_secret": "fifth-token"}}')
    for text in (*(f"{n}-token" for n in ("first", "second", "third", "fourth", "fifth")), ADDRESS):
        assert privacy.found_in([f'it is "{text}".']) != []
    assert privacy.found_in(["it is a-thing", f"jo{ADDRESS}"]) == []


def test_every_logger_is_read_in_the_form_that_it_writes(eavesdropper: Eavesdropper) -> None:
    logging.getLogger("some.library").warning("cannot reach %s", ADDRESS)
    logger().info("an extra", extra={"who": ADDRESS})
    try:
        int(ADDRESS)
    except ValueError:
        logger().exception("ours hides the texts of other errors")
    library, ours, exception = eavesdropper.lines
    assert library == f"cannot reach {ADDRESS}"
    assert json.loads(ours)["who"] == ADDRESS
    assert f"\nValueError at {__name__}:" in json.loads(exception)["exception"]
    assert ADDRESS not in exception


def test_personal_data_in_a_log_fails_the_test(
    eavesdropper: Eavesdropper, privacy: Privacy
) -> None:
    privacy.remember(ADDRESS)
    logger().info("hello %s", ADDRESS)
    teardown = eavesdropper.pytest_runtest_teardown()
    next(teardown)
    with pytest.raises(pytest.fail.Exception, match=ADDRESS):
        next(teardown)
    assert eavesdropper.lines == []
