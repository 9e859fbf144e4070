"""A new service is a regular insertion into the template: the same resources as for users, and no
other changes."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.functions import kind_of
from tools.language_extensions import expand
from tools.new_service import events, template
from tools.new_service.names import Names
from tools.template import ROOT, read
from tools.template import template as current
from tools.transformed import transform

REVIEWS = Names.of("reviews")


@pytest.fixture(scope="module")
def added(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    file = tmp_path_factory.mktemp("service") / "template.yaml"
    file.write_text(template.add((ROOT / "template.yaml").read_text(), REVIEWS))
    return expand(read(file))


def test_service_has_the_resources_of_users(added: dict[str, Any]) -> None:
    new = {name for name in added["Resources"] if name.startswith("Reviews")}
    of_users = {name for name in current()["Resources"] if name.startswith("Users")}
    assert {name.removeprefix("Reviews") for name in new} == {
        name.removeprefix("Users") for name in of_users - {"UsersDirectory"}
    }
    assert added["Outputs"].keys() - current()["Outputs"].keys() == {"ReviewsTableName"}
    logs = added["Resources"]["ReviewsLogs"]["Properties"]["LogGroupName"]
    assert logs == {"Fn::Join": ["/", ["/bodega", {"Ref": "AWS::StackName"}, "reviews"]]}


def test_nothing_else_changes_but_the_gateway(added: dict[str, Any]) -> None:
    others = {n: r for n, r in added["Resources"].items() if not n.startswith("Reviews")}
    gateway = others.pop("GatewayApi")["Properties"]
    assert others == {n: r for n, r in current()["Resources"].items() if n != "GatewayApi"}
    alias = {"Ref": "ReviewsApi.Alias"}
    assert gateway["Environment"]["Variables"]["REVIEWS_API"] == alias
    [statement] = [
        statement
        for statement in gateway["Policies"][0]["Statement"]
        if statement.get("Action") == "lambda:InvokeFunction"
    ]
    assert statement["Resource"][-1] == alias


def test_sam_transforms_the_template(added: dict[str, Any]) -> None:
    made = transform(added)["Resources"]
    assert {"ReviewsApi", "ReviewsApiAliaslive", "ReviewsRelayStream", "ReviewsSweeperTick"} <= (
        made.keys()
    )
    paths = made["Api"]["Properties"]["Body"]["paths"]
    assert {path for path in paths if "reviews" in path} == {
        "/api/v1/reviews",
        "/api/v1/reviews/{id}",
        "/health/reviews",
    }


def test_service_is_added_once_and_under_a_regular_name() -> None:
    text = (ROOT / "template.yaml").read_text()
    with pytest.raises(ValueError, match="section Users already"):
        template.add(text, Names.of("users"))
    for name in ("review", "Reviews", "re views", "address"):
        with pytest.raises(ValueError, match="is not a plural"):
            Names.of(name)


def test_sample_events_are_of_each_kind(tmp_path: Path) -> None:
    files = events.add(tmp_path, REVIEWS, body={"text": "Sturdy."})
    kinds = {file.stem: kind_of(json.loads(file.read_text())) for file in files}
    assert kinds == {
        "reviews-create": "rest",
        "reviews-get": "rest",
        "reviews-health": "rest",
        "reviews-list": "rest",
        "reviews-relay": "stream",
        "reviews-sweeper": "schedule",
    }
