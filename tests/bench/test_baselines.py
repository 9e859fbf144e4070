"""The three baselines are the same service, or they could not be compared."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from bench.canned.items import OTHER_PRODUCT_ID, PRODUCT_ID
from bench.canned.server import CannedAws
from bench.environment import Environment
from bench.packages import VARIABLES
from bench.subjects import Subject
from tests.support.http import rest_event
from tools import lambda_environment
from tools.local.places import APP_PYTHON, ROOT
from tools.progress import Problem

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs awslambdaric")

_NAMES = ("floor", "resolver", "naive")
_NEW = {"name": "Bread board", "price": "19.90", "category": "kitchen", "stock": 3}


def _subject(name: str) -> Subject:
    """The baseline from its sources, on the packages of the tests' environment."""
    folder = ROOT / "bench/baselines" / name
    return Subject(
        name=name,
        kind="baseline",
        handler="app.handler",
        task=folder,
        layer=folder,
        variables=lambda_environment.of_lambda(name, memory=1024, handler="app.handler")
        | VARIABLES,
        event=json.dumps(rest_event("GET", "/api/v1/products/unknown")).encode(),
        is_right=lambda answer: answer["statusCode"] == 200,
    )


@pytest.fixture(scope="module")
def baselines() -> Iterator[Mapping[str, Environment]]:
    with ExitStack() as stack:
        aws = stack.enter_context(CannedAws(b""))
        started = {
            name: stack.enter_context(Environment(_subject(name), aws.endpoint, python=APP_PYTHON))
            for name in _NAMES
        }
        for environment in started.values():
            environment.until_ready()
        yield started
        aws.check()


def _ask(environment: Environment, method: str, path: str, body: object = None) -> tuple[int, Any]:
    event = json.dumps(rest_event(method, path, json_body=body))
    answer = environment.invoke(event.encode()).json()
    return answer["statusCode"], json.loads(answer["body"])


@pytest.mark.parametrize("name", _NAMES)
def test_baselines_are_the_same_service(baselines: Mapping[str, Environment], name: str) -> None:
    ask = partial(_ask, baselines[name])
    status, product = ask("GET", f"/api/v1/products/{PRODUCT_ID}")
    assert status == 200
    assert product == {
        "id": PRODUCT_ID,
        "name": "Enamel mug",
        "description": "Holds a quarter of a litre.",
        "price": "12.50",
        "currency": "EUR",
        "category": "kitchen",
        "stock": 60,
        "is_active": True,
        "created_at": "2026-11-20T08:30:00.000Z",
        "updated_at": "2026-11-20T08:30:00.000Z",
        "version": 41,
    }
    assert ask("GET", "/api/v1/products/unknown")[0] == 404
    status, page = ask("GET", "/api/v1/products?limit=5")
    assert [product["id"] for product in page["products"]] == [PRODUCT_ID, OTHER_PRODUCT_ID]
    assert (status, page["count"]) == (200, 2)
    assert ask("GET", "/api/v1/products?limit=101")[0] == 422
    status, product = ask("POST", "/api/v1/products", _NEW)
    assert status == 201
    assert product.items() >= _NEW.items()
    for wrong in ({"name": ""}, {"price": "1.999"}, {"stock": -1}, {"category": 7}):
        assert ask("POST", "/api/v1/products", _NEW | wrong)[0] == 422, wrong


def test_function_with_a_wrong_answer_is_not_measured(
    baselines: Mapping[str, Environment],
) -> None:
    with pytest.raises(Problem, match="floor gives a wrong answer"):
        baselines["floor"].answer()


def test_function_that_does_not_start_is_not_measured() -> None:
    broken = replace(_subject("floor"), handler="missing.handler")
    with (
        Environment(broken, "http://127.0.0.1:9", python=APP_PYTHON) as environment,
        pytest.raises(Problem, match="floor did not start"),
    ):
        environment.until_ready()
