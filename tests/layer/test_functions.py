"""Each function of the template answers the same on the layer as it ships and on the libraries as
they were published."""

import json
import os
import re
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from bench.canned.server import CannedAws
from bench.functions import Signer, functions
from bench.subjects import Subject
from shared.runtime.cold_start import PRECOMPILED
from tests.layer import packages
from tests.layer.processes import OURS, Started, start
from tests.support.functions import FUNCTIONS
from tests.support.http import rest_event
from tools.layer import precompiled
from tools.local.places import APP_PYTHON

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the canned AWS is for Linux"),
    pytest.mark.timeout(600),
]

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
_FOR_EACH_API: Final = [
    rest_event("GET", "/api/v1/nowhere"),
    rest_event("PATCH", "/health"),
    rest_event("GET", "/health", headers={"Authorization": "Bearer nonsense"}),
]
# These differ between two processes.
_VOLATILE: Final = re.compile(
    r'"(uptime_seconds|memory_mb|x-process-time|x-request-id|request_id)\\*": ?\\*"?[\w.-]+'
    r"|\d{4}-\d\d-\d\dT[\d:.]+Z"
)
# PyJWT builds this pattern from a set, whose order differs between processes.
_UNSTABLE_PATTERN: Final = "----[- ](BEGIN|END) ("


@dataclass(frozen=True)
class Pair:
    """One function, started twice."""

    subject: Subject
    shipped: Started
    published: Started


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Pair]]:
    signer = Signer()
    subjects = [subject for subject in functions(signer) if subject.name in FUNCTIONS]
    task_roots = {_service(subject): tmp_path_factory.mktemp("task") for subject in subjects}
    for service, task_root in task_roots.items():
        subprocess.run(
            (APP_PYTHON, "-m", precompiled.__name__, service, task_root / PRECOMPILED),
            env={"PYTHONPATH": os.pathsep.join(map(str, OURS))},
            check=True,
        )
    with CannedAws(signer.public_key) as aws, ThreadPoolExecutor(2) as pool:

        def start_both(subject: Subject) -> Pair:
            task_root, site_packages = task_roots[_service(subject)], sysconfig.get_path("purelib")
            options: dict[str, Any] = {"endpoint": aws.endpoint, "events": _events(subject)}
            return Pair(
                subject,
                start(subject, packages.layer(), task_root=task_root, **options),
                start(subject, Path(site_packages), **options),
            )

        yield {pair.subject.name: pair for pair in pool.map(start_both, subjects)}
        aws.check()


def _service(subject: Subject) -> str:
    return subject.variables["POWERTOOLS_SERVICE_NAME"]


def _events(subject: Subject) -> list[Any]:
    also = _FOR_EACH_API if subject.kind == "api" else []
    return [json.loads(subject.event), *_ALSO.get(subject.name, ()), *also]


@pytest.mark.parametrize("name", FUNCTIONS)
def test_function_gives_the_same_answers_on_the_shipped_layer(
    pairs: Mapping[str, Pair], name: str
) -> None:
    pair = pairs[name]
    shipped, published = (
        [_VOLATILE.sub("…", json.dumps(answer)) for answer in started.answers]
        for started in (pair.shipped, pair.published)
    )
    assert shipped == published
    assert pair.subject.is_right(pair.shipped.answers[0])


@pytest.mark.parametrize("name", FUNCTIONS)
def test_start_compiles_nothing_and_leaves_collection_on(
    pairs: Mapping[str, Pair], name: str
) -> None:
    """Else a library generates code in a way that tools/layer/precompiled.py does not record."""
    shipped, published = pairs[name].shipped, pairs[name].published
    assert any(source.startswith("def __create_fn__") for source in published.sources)
    assert not [source for source in shipped.sources if source.startswith("def __create_fn__")]
    # Python compiles each annotation that a class has as a text, such as those of TypedDicts.
    annotations = [text for text in shipped.sources if not text.startswith("lambda _cls, ")]
    assert len(annotations) < 300, "see tools/layer/slim.py"
    assert len(published.patterns) > 20
    assert not [text for text in shipped.patterns if _UNSTABLE_PATTERN not in text]
    assert shipped.collects
    assert shipped.frozen > 10_000


def test_start_loads_only_the_layer_and_our_own_code(pairs: Mapping[str, Pair]) -> None:
    homes = (*map(str, OURS), str(packages.layer()), sysconfig.get_path("stdlib"))
    strangers = {
        f"{name}: {file}"
        for name, pair in pairs.items()
        for file in pair.shipped.modules.values()
        if file and not file.startswith(homes)
    }
    assert not strangers
