"""The first order after idle: what follows from its parts, and how they are measured."""

import json
import sys
import threading
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path
from urllib.request import Request, urlopen

import pytest

from bench import waterfall
from bench.idle import Called, Parts, laid_out
from bench.neighbours import Neighbours
from bench.subjects import Subject
from tools import lambda_environment
from tools.local.places import APP_PYTHON

_PARTS = Parts(
    start=400,
    before=20,
    finds=Called(woken=100, start=300, wake=5, first=12, answer=10),
    between=3,
    reserves=Called(woken=105, start=350, wake=5, first=25, answer=20),
    after=7,
)
# Answers with the process that works, and with how many invocations came before.
_FUNCTION = """
import itertools, os
count = itertools.count()
def handler(event, context):
    return {"name": event["name"], "process": os.getpid(), "before": next(count)}
"""


def test_unwoken_functions_start_one_after_another() -> None:
    order = laid_out(_PARTS, wakes=False)
    assert order.finds.started == 420
    assert order.reserves.started == 420 + 300 + 12 + 3
    assert order.answered == 420 + 300 + 12 + 3 + 350 + 25 + 7


def test_woken_functions_start_beside_the_caller() -> None:
    order = laid_out(_PARTS, wakes=True)
    # UsersDirectory is free at 405, before its call at 420; ProductsInventory at 460, after 433.
    assert (order.finds.lead, order.finds.answered) == (15, 430)
    assert (order.reserves.lead, order.reserves.answered) == (433 - 460, 480)
    assert order.answered == 487


def test_function_that_is_not_woken_starts_when_it_is_called() -> None:
    asleep = replace(_PARTS, finds=replace(_PARTS.finds, woken=None))
    assert laid_out(asleep, wakes=True).finds == laid_out(_PARTS, wakes=False).finds


def test_waterfall_shows_both_orders_within_the_picture() -> None:
    before, after = (laid_out(_PARTS, wakes=wakes) for wakes in (False, True))
    picture = ET.fromstring(waterfall.drawn(before, after))
    texts = [text.text or "" for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert [text for text in texts if text.endswith((": 817 ms", ": 487 ms"))]
    bars = [bar for bar in picture.iter("{http://www.w3.org/2000/svg}rect") if "x" in bar.attrib]
    assert len(bars) == 2 * 8
    ends = [float(bar.attrib["x"]) + float(bar.attrib["width"]) for bar in bars]
    assert max(ends) <= float(picture.attrib["width"])


@pytest.fixture
def subject(tmp_path: Path) -> Subject:
    (tmp_path / "app.py").write_text(_FUNCTION)
    return Subject(
        name="Inventory",
        kind="internal",
        handler="app.handler",
        task=tmp_path,
        layer=Path("/no-layer"),
        variables=lambda_environment.of_lambda("Inventory", memory=128, handler="app.handler"),
        event=b"{}",
        is_right=bool,
    )


def _invoke(lambda_: Neighbours, name: str, kind: str = "RequestResponse") -> tuple[int, bytes]:
    request = Request(
        f"{lambda_.endpoint}/2015-03-31/functions/Inventory%3Alive/invocations",
        data=json.dumps({"name": name}).encode(),
        headers={"X-Amz-Invocation-Type": kind},
    )
    with urlopen(request) as answer:
        return answer.status, answer.read()


@pytest.mark.skipif(sys.platform != "linux", reason="needs awslambdaric")
def test_calls_find_the_environment_that_a_wake_has_started(subject: Subject) -> None:
    with Neighbours({"Inventory": subject}, "http://-", wakes=True, python=APP_PYTHON) as lambda_:
        assert _invoke(lambda_, "wake", "Event") == (202, b"")
        answers = []
        callers = [
            threading.Thread(target=lambda: answers.append(json.loads(_invoke(lambda_, "call")[1])))
            for _ in range(2)
        ]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
        lambda_.check()
    assert sorted(answer["before"] for answer in answers) == [1, 2]
    assert len({answer["process"] for answer in answers}) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="needs awslambdaric")
def test_dropped_wake_starts_nothing(subject: Subject) -> None:
    with Neighbours({"Inventory": subject}, "http://-", wakes=False, python=APP_PYTHON) as lambda_:
        assert _invoke(lambda_, "wake", "Event") == (202, b"")
        assert lambda_.of("Inventory").moments.woken
        assert not lambda_.of("Inventory").is_started
        answer = json.loads(_invoke(lambda_, "call")[1])
    assert (answer["name"], answer["before"]) == ("call", 0)
