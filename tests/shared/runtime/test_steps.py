"""What the line at the end of a request or message has of its steps."""

import re
from typing import Any

import pytest

from shared.runtime import logging, steps


def logged_steps() -> Any:
    return steps.logged().get("steps")


def test_line_has_each_step_with_its_time_and_its_error() -> None:
    logging.begin("request-1")
    with steps.timed("reserve"):
        pass
    with pytest.raises(KeyError), steps.timed("capture"):
        raise KeyError
    steps.skipped("payments", "CircuitOpen")
    written = "\n".join(logged_steps())
    assert re.fullmatch(r"reserve \d+\ncapture \d+ KeyError\npayments 0 CircuitOpen", written)
    assert steps.logged()["ms"]


def test_next_request_has_none_of_the_steps_before() -> None:
    logging.begin("request-1")
    with steps.timed("reserve"):
        pass
    logging.begin("request-2")
    assert logged_steps() is None
