"""The baselines are the same service, or they could not be compared."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from bench import packages
from bench.canned.items import OTHER_PRODUCT_ID, PRODUCT_ID
from bench.canned.server import CannedAws
from bench.environment import Environment
from tests.support.http import rest_event
from tools.local.places import APP_PYTHON
from tools.progress import Problem

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs awslambdaric")

_NAMES = ("floor", "resolver", "lean", "naive")
_NEW = {"name": "Bread board", "price": "19.90", "category": "kitchen", "stock": 3}


@pytest.fixture(scope="module")
def baselines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Environment]]:
    """On the libraries of the tests' environment."""
    unknown = json.dumps(rest_event("GET", "/api/v1/products/unknown")).encode()
    with ExitStack() as stack:
        aws = stack.enter_context(CannedAws(b""))
        started = {}
        for name in _NAMES:
            packed = packages.subject(name, Path("/no-layer"))
            started[name] = stack.enter_context(
                Environment(replace(packed, event=unknown), aws.endpoint, python=APP_PYTHON)
            )
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
    status, product = ask("POST", "/api/v1/products", _NEW)
    assert status == 201
    assert product.items() >= _NEW.items()
    for wrong in ({"name": ""}, {"price": "1.999"}, {"stock": -1}, {"category": 7}):
        assert ask("POST", "/api/v1/products", _NEW | wrong)[0] == 422, wrong


def test_wrong_answer_is_not_measured(baselines: Mapping[str, Environment]) -> None:
    with pytest.raises(Problem, match="floor gives a wrong answer"):
        baselines["floor"].answer()
