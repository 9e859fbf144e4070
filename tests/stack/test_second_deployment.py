"""A deployment that changes a route keeps all others, the gateway's own answers and the stage's settings."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.client import code
from tests.support.cloud import Cloud
from tools.local import sam
from tools.local.places import ROOT, architecture, aws_environment
from tools.local.shop import Shop

type Deploy = Callable[[dict[str, Any]], None]


def with_another_route(template: dict[str, Any]) -> dict[str, Any]:
    another = copy.deepcopy(template)
    events = another["Resources"]["GatewayApi"]["Properties"]["Events"]
    events["More"] = copy.deepcopy(events["Docs"])
    events["More"]["Properties"]["Path"] = "/more/{asset}"
    return another


@pytest.fixture
def deploy(shop: Shop, tmp_path: Path) -> Iterator[Deploy]:
    """Deploys a built template into the shop; at the end, the shop's own once more."""
    folder = sam.BUILD
    built = json.loads((folder / "template.yaml").read_text())

    def deploy(template: dict[str, Any]) -> None:
        file = folder / f"{tmp_path.name}.json"
        file.write_text(json.dumps(template))
        own = {"Architecture": architecture(), **shop.parameters}
        parameters = {**sam.parameters("local"), **own}
        command = ["deploy", "--config-file", str(ROOT / "samconfig.toml"), "--config-env", "local"]
        command += ["--template-file", str(file), *sam.overriding(parameters)]
        try:
            assert sam.run(command, aws_environment(shop.endpoint), tmp_path / "deploy.log") is None
        finally:
            file.unlink()
        shop.point_front()

    yield deploy
    deploy(built)


def edge(shop: Shop, cloud: Cloud) -> dict[str, Any]:
    """Routes by their resources, and the stage's settings."""
    gateway = cloud.client("apigateway")
    outputs = shop.stack().outputs
    pages = gateway.get_paginator("get_resources").paginate(restApiId=outputs["ApiId"])
    stage = gateway.get_stage(restApiId=outputs["ApiId"], stageName=outputs["StageName"])
    return {
        "routes": {
            item["path"]: sorted(item.get("resourceMethods", {}))
            for page in pages
            for item in page["items"]
        },
        "settings": {
            name: stage.get(name)
            for name in ("methodSettings", "accessLogSettings", "tracingEnabled", "variables")
        },
    }


def test_a_second_deployment_keeps_what_it_does_not_change(
    shop: Shop, cloud: Cloud, deploy: Deploy
) -> None:
    before = edge(shop, cloud)
    assert httpx.get(f"{shop.url}/more/page.css").status_code == 404
    deploy(with_another_route(json.loads((sam.BUILD / "template.yaml").read_text())))
    after = edge(shop, cloud)
    assert after["settings"] == before["settings"]
    assert after["routes"] == {**before["routes"], "/more": [], "/more/{asset}": ["GET"]}
    # The function has no such path, but it is asked.
    for root_path in ("", "/live"):
        more = httpx.get(f"{shop.url}{root_path}/more/page.css")
        assert (more.status_code, code(more)) == (404, "not-found")
        assert httpx.get(f"{shop.url}{root_path}/health").status_code == 200
        refused = httpx.get(f"{shop.url}{root_path}/health", headers={"X-Long": "x" * 11_000})
        assert refused.json()["type"] == "/problems/request-refused"
