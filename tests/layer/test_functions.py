"""Each function of the template on the layer as it ships, beside the same on the packages as they are installed."""

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pytest

from bench.canned.server import CannedAws
from bench.environment import _variables
from bench.functions import Signer, functions
from bench.subjects import Subject
from shared.runtime.cold_start import GENERATED
from tests.budget import modules
from tests.layer import packages
from tests.layer.imports import module_of
from tests.layer.test_stand_ins import NOT_LOADED
from tests.support.functions import FUNCTIONS
from tests.support.http import rest_event
from tools.layer import generated
from tools.local.places import APP_PYTHON, ROOT

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the canned AWS is for Linux"),
    pytest.mark.timeout(300),
]

_OURS: Final = (ROOT / "functions", ROOT / "layers/shared", ROOT)
_SERVICES: Final = sorted({name.handler.partition(".")[0] for name in functions(Signer())})
_ALSO: Final[Mapping[str, list[dict[str, Any]]]] = {
    "UsersApi": [
        rest_event("POST", "/api/v1/users", json_body={}),
        rest_event("POST", "/api/v1/users", json_body={"email": "a@", "password": 1, "name": None}),
        rest_event("POST", "/api/v1/auth/login", body="{"),
        rest_event("GET", "/api/v1/users/me"),
    ],
    "ProductsApi": [
        rest_event("GET", "/api/v1/products?limit=1000&sort=colour"),
        rest_event("POST", "/api/v1/products", json_body={"name": "x"}),
        rest_event("GET", "/api/v1/products/unknown"),
    ],
    "OrdersApi": [rest_event("POST", "/api/v1/orders", json_body={})],
    "GatewayApi": [rest_event("GET", "/"), rest_event("GET", "/favicon.ico")],
}
_OF_ANY_API: Final = [
    rest_event("GET", "/api/v1/nowhere"),
    rest_event("PATCH", "/health"),
    rest_event("GET", "/health", headers={"Authorization": "Bearer nonsense"}),
]
# What no two processes answer alike.
_OWN: Final = re.compile(
    r'"(uptime_seconds|memory_mb|x-process-time|x-request-id|request_id)\\*": ?\\*"?[\w.-]+'
    r"|\d{4}-\d\d-\d\dT[\d:.]+Z"
)
# PyJWT makes this pattern of a set, whose order is another one in each process.
_NEVER_THE_SAME: Final = "----[- ](BEGIN|END) ("


@dataclass(frozen=True)
class Ran:
    """What `tests.layer.function` tells of one function."""

    on_shipped: Future[dict[str, Any]]
    on_installed: Future[dict[str, Any]]

    @property
    def shipped(self) -> dict[str, Any]:
        """With the layer as it ships."""
        return self.on_shipped.result()

    @property
    def installed(self) -> dict[str, Any]:
        """With the packages as they are installed."""
        return self.on_installed.result()


@pytest.fixture(scope="module")
def task_roots(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """For each service the folder where its functions find what was generated."""
    roots = {service: tmp_path_factory.mktemp(service) for service in _SERVICES}
    for service, root in roots.items():
        subprocess.run(
            (APP_PYTHON, "-m", generated.__name__, service, root / GENERATED),
            env={"PYTHONPATH": os.pathsep.join(map(str, _OURS))},
            check=True,
        )
    return roots


@pytest.fixture(scope="module")
def ran(task_roots: Mapping[str, Path]) -> Iterator[Mapping[str, Ran]]:
    signer = Signer()
    subjects = [subject for subject in functions(signer) if subject.kind != "traced"]
    site_packages = Path(sysconfig.get_path("purelib"))
    with CannedAws(signer.public_key) as aws, ThreadPoolExecutor(2) as pool:
        run = partial(pool.submit, partial(_run, endpoint=aws.endpoint))
        yield {
            one.name: Ran(
                run(one, packages.layer(), task_roots[one.handler.partition(".")[0]]),
                run(one, site_packages, ROOT),
            )
            for one in subjects
        }
        aws.check()


def _run(subject: Subject, layer: Path, task_root: Path, *, endpoint: str) -> dict[str, Any]:
    more = _OF_ANY_API if subject.kind == "api" else []
    events = [json.loads(subject.event), *_ALSO.get(subject.name, ()), *more]
    ended = subprocess.run(
        (APP_PYTHON, "-S", "-m", "tests.layer.function"),
        env=_variables(subject, endpoint, "127.0.0.1:9")
        | {
            "PYTHONPATH": os.pathsep.join(map(str, (*_OURS, layer))),
            "LAMBDA_TASK_ROOT": str(task_root),
        },
        input=json.dumps({"handler": subject.handler, "events": events}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, f"{subject.name}: {ended.stderr}"
    told: dict[str, Any] = json.loads(ended.stdout)
    return told


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_gives_the_same_answers_on_the_shipped_layer(
    ran: Mapping[str, Ran], name: str
) -> None:
    shipped, installed = (
        [_OWN.sub("…", json.dumps(answer)) for answer in told["answers"]]
        for told in (ran[name].shipped, ran[name].installed)
    )
    assert shipped == installed


def test_the_answers_that_are_compared_are_those_of_the_benchmark(ran: Mapping[str, Ran]) -> None:
    wrong = [
        one.name
        for one in functions(Signer())
        if one.name in ran and not one.is_right(ran[one.name].shipped["answers"][0])
    ]
    assert not wrong


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_start_compiles_no_dataclass(ran: Mapping[str, Ran], name: str) -> None:
    def of_dataclasses(told: dict[str, Any]) -> list[str]:
        return [source for source in told["sources"] if source.startswith("def __create_fn__")]

    assert of_dataclasses(ran[name].installed)
    assert not of_dataclasses(ran[name].shipped)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_start_compiles_no_regular_expression(ran: Mapping[str, Ran], name: str) -> None:
    assert len(ran[name].installed["patterns"]) > 20
    assert not [text for text in ran[name].shipped["patterns"] if _NEVER_THE_SAME not in text]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_start_ends_with_what_is_there_frozen_and_collection_on(
    ran: Mapping[str, Ran], name: str
) -> None:
    assert ran[name].shipped["collects"]
    assert ran[name].shipped["frozen"] > 10_000


def test_a_start_loads_nothing_but_the_layer_and_our_own(ran: Mapping[str, Ran]) -> None:
    homes = (*map(str, _OURS), str(packages.layer()), sysconfig.get_path("stdlib"))
    strangers = {
        f"{name}: {file}"
        for each in ran.values()
        for name, file in each.shipped["modules"].items()
        if file and not file.startswith(homes)
    }
    assert not strangers


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_start_loads_the_modules_of_the_list_and_no_others(
    ran: Mapping[str, Ran], name: str
) -> None:
    """Python's own modules are its patch release's business; those of the list are added by hand."""
    loaded = {
        module
        for module, file in ran[name].shipped["modules"].items()
        if file and not file.startswith(sysconfig.get_path("stdlib")) and module != "__main__"
    }
    assert loaded == modules.expected(name)


def test_what_imports_a_module_that_is_left_out_is_not_loaded(ran: Mapping[str, Ran]) -> None:
    loaded = {name for each in ran.values() for name in each.shipped["modules"]}
    assert not loaded & {module_of(path) for path in NOT_LOADED}
