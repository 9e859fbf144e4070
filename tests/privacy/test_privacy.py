"""The listener itself: what it takes for personal, and where it hears it."""

import json
import logging
from collections.abc import Iterator

import httpx
import pytest

from shared.runtime.logging import logger
from tests.support.privacy import Eavesdropper, Privacy

# In no other test: what those send is remembered, too.
NOBODY = "x7unlogged@x7privacy.example"


@pytest.fixture
def privacy() -> Privacy:
    return Privacy()


@pytest.fixture
def eavesdropper(privacy: Privacy) -> Iterator[Eavesdropper]:
    eavesdropper = Eavesdropper(privacy)
    logging.getLogger().addHandler(eavesdropper)
    yield eavesdropper
    logging.getLogger().removeHandler(eavesdropper)


@pytest.mark.parametrize(
    ("value", "line"),
    [
        (NOBODY, f"sent to {NOBODY}"),
        (NOBODY.upper(), f"sent to <{NOBODY}>."),
        (" Ann Onymous ", 'user "Ann Onymous" registered'),
        ('say "friend"', json.dumps({"message": 'say "friend"'})),
        ("Zoë Müller", json.dumps("Zoë Müller")),
        ("Zoë Müller", "Zoë Müller"),
        ("!?!?!?a", "the password !?!?!?a is wrong"),
    ],
)
def test_a_value_is_found_in_a_line(privacy: Privacy, value: str, line: str) -> None:
    privacy.remember(value)
    assert privacy.found_in([line]) != []
    assert privacy.found_in(["something else"]) == []


@pytest.mark.parametrize(
    ("value", "line"),
    [
        ("short", "short"),
        ("123456", "123456 ms"),
        ("ann@example.com", "joann@example.com"),
        ("ordering", "reordering"),
        ("", "anything"),
    ],
)
def test_what_may_be_anything_accuses_nobody(privacy: Privacy, value: str, line: str) -> None:
    privacy.remember(value)
    assert privacy.found_in([line]) == []


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"email": NOBODY}),
        json.dumps([{"users": [{"email": NOBODY}]}]),
        json.dumps({"password": {"is": [NOBODY]}}),
        f'{{"password": "{NOBODY}", ',
    ],
)
def test_the_fields_of_a_body_are_remembered(privacy: Privacy, body: str) -> None:
    privacy.sent({}, body)
    assert privacy.found_in([NOBODY]) != []


def test_other_fields_are_not(privacy: Privacy) -> None:
    privacy.told(json.dumps({"id": "user-number-7", "name": "Stoneware Mug"}))
    privacy.told(json.dumps({"user_name": "Erased", "email": "7@erased.invalid"}))
    privacy.told("")
    assert privacy.found_in(["Erased user-number-7 bought a Stoneware Mug"]) == []
    assert privacy.found_in(["sent to 7@erased.invalid"]) == []


def test_an_exchange_is_remembered_whole(privacy: Privacy) -> None:
    request = httpx.Request(
        "POST",
        "https://shop.example/",
        headers={"Authorization": "Bearer first-token"},
        json={"password": "second-token"},
    )
    privacy.exchanged(httpx.Response(200, request=request, json={"access_token": "third-token"}))
    for token in ("first-token", "second-token", "third-token"):
        assert privacy.found_in([f"token {token}"]) != []


def test_every_logger_is_heard_in_the_form_in_which_it_writes(
    eavesdropper: Eavesdropper, privacy: Privacy
) -> None:
    privacy.remember(NOBODY)
    logging.getLogger("some.library").warning("cannot reach %s", NOBODY)
    logger().info("an extra", extra={"who": NOBODY})
    try:
        int(NOBODY)
    except ValueError:
        logger().exception("ours tells no text of others")
        logging.getLogger("some.library").exception("theirs does")
    library, ours, exception, theirs = eavesdropper.lines
    assert library == f"cannot reach {NOBODY}"
    assert json.loads(ours)["who"] == NOBODY
    assert privacy.found_in([exception]) == []
    assert f"\nValueError at {__name__}:" in json.loads(exception)["exception"]
    assert NOBODY in theirs


def test_what_is_too_much_fails_the_test_that_said_it(
    eavesdropper: Eavesdropper, privacy: Privacy
) -> None:
    privacy.remember(NOBODY)
    logger().info("hello %s", NOBODY)
    teardown = eavesdropper.pytest_runtest_teardown()
    next(teardown)
    with pytest.raises(pytest.fail.Exception, match=NOBODY):
        next(teardown)
    assert eavesdropper.lines == []
