"""A deployment that adds a route keeps the other routes and the stage's settings."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.client import code
from tests.support.cloud import Cloud
from tools.local import sam
from tools.local.places import ROOT, architecture, aws_environment
from tools.local.shop import Shop


def deploy(shop: Shop, template: dict[str, Any], folder: Path) -> None:
    """Deploy a built template into the shop."""
    file = sam.BUILD / f"{folder.name}.json"
    file.write_text(json.dumps(template))
    own = {"Architecture": architecture(), **shop.parameters}
    command = ["deploy", "--config-file", str(ROOT / "samconfig.toml"), "--config-env", "local"]
    command += ["--template-file", str(file)]
    command += sam.overriding({**sam.parameters("local"), **own})
    try:
        assert sam.run(command, aws_environment(shop.endpoint), folder / "deploy.log") is None
    finally:
        file.unlink()
    shop.point_front()


@pytest.fixture
def with_another_route(shop: Shop, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The built template with one more route; afterwards the shop's own is deployed once more."""
    built = json.loads((sam.BUILD / "template.yaml").read_text())
    another = copy.deepcopy(built)
    routes = another["Resources"]["GatewayApi"]["Properties"]["Events"]
    routes["More"] = copy.deepcopy(routes["Docs"])
    routes["More"]["Properties"]["Path"] = "/more/{asset}"
    yield another
    deploy(shop, built, tmp_path)


def edge(shop: Shop, cloud: Cloud) -> tuple[dict[str, list[str]], dict[str, Any]]:
    """The methods of each resource, and the stage's settings."""
    gateway, outputs = cloud.client("apigateway"), shop.stack().outputs
    pages = gateway.get_paginator("get_resources").paginate(restApiId=outputs["ApiId"])
    stage = gateway.get_stage(restApiId=outputs["ApiId"], stageName=outputs["StageName"])
    items = [item for page in pages for item in page["items"]]
    names = ("methodSettings", "accessLogSettings", "tracingEnabled", "variables")
    return (
        {item["path"]: sorted(item.get("resourceMethods", {})) for item in items},
        {name: stage.get(name) for name in names},
    )


@pytest.mark.torture
def test_second_deployment_keeps_what_it_does_not_change(
    shop: Shop, cloud: Cloud, with_another_route: dict[str, Any], tmp_path: Path
) -> None:
    routes, settings = edge(shop, cloud)
    deploy(shop, with_another_route, tmp_path)
    more = {"/more": [], "/more/{asset}": ["GET"]}
    assert edge(shop, cloud) == ({**routes, **more}, settings)
    # The function has no such path, but it is invoked.
    answer = httpx.get(f"{shop.url}/live/more/page.css")
    assert (answer.status_code, code(answer)) == (404, "not-found")
    refused = httpx.get(f"{shop.url}/live/health", headers={"X-Long": "x" * 11_000})
    assert refused.json()["type"] == "/problems/request-refused"
