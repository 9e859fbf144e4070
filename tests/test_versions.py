"""The versions and aliases by which functions are called: what SnapStart and provisioned
concurrency stand on."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.functions import FUNCTIONS
from tools.intrinsics import _holds, resolve
from tools.template import alias, resources, template

LIVE = [name for name in FUNCTIONS if alias(name)]
# What of a function's properties is no part of its versions.
BESIDE = {"Policies", "Events", "VersionDescription", "ProvisionedConcurrencyConfig"}
# Containers on somebody's machine have no versions.
NEVER_CHANGES = {"EndpointUrl"}
FREE_TEXT = ("TokenIssuer", "CorsOrigins")

live = pytest.mark.parametrize("function", LIVE)


def _names(value: Any) -> Iterator[str]:
    """All that a part of the template refers to, by the conditions that it depends on too."""
    match value:
        case {"Ref": name}:
            yield name
        case {"Fn::Sub": text}:
            yield from re.findall(r"\$\{([\w.]+)\}", text)
        case {"Condition": name}:
            yield from _names(template()["Conditions"][name])
        case {"Fn::If": [condition, *choices]}:
            yield from _names({"Condition": condition})
            yield from _names(choices)
        case dict():
            yield from _names(list(value.values()))
        case list():
            for one in value:
                yield from _names(one)


def _parameters(value: Any) -> set[str]:
    return set(_names(value)) & set(template()["Parameters"])


def _value(given: Any, **parameters: str) -> Any:
    return resolve(given, ref=str, attribute=str, parameters=parameters)


@live
def test_a_version_is_described_by_each_parameter_that_it_depends_on_and_by_no_other(
    function: str,
) -> None:
    # CloudFormation makes a new version when the description changes, and fails where the function
    # did not.
    properties = FUNCTIONS[function].properties
    of_version = {name: value for name, value in properties.items() if name not in BESIDE}
    needed = _parameters([of_version, template()["Globals"]["Function"]]) - NEVER_CHANGES
    assert _parameters(properties["VersionDescription"]) == needed


@live
def test_a_description_is_no_longer_than_lambda_takes(function: str) -> None:
    longest = {
        name: max(map(str, values), key=len)
        for name, parameter in template()["Parameters"].items()
        if (values := parameter.get("AllowedValues"))
    }
    longest |= {name: "x" * template()["Parameters"][name]["MaxLength"] for name in FREE_TEXT}
    description = _value(FUNCTIONS[function].properties["VersionDescription"], **longest)
    assert len(description) <= 256


def test_who_calls_a_function_calls_its_alias() -> None:
    called = set()
    for function in FUNCTIONS.values():
        for value in function.properties["Environment"]["Variables"].values():
            for name in _names(value):
                assert name not in FUNCTIONS, f"{function.name} calls {name} past its alias"
                if name.endswith(".Alias"):
                    called.add(name.removesuffix(".Alias"))
        if function.events("Api"):
            called.add(function.name)
    assert called == set(LIVE)


@live
def test_snapshots_and_ready_environments_are_made_where_a_parameter_says_so(function: str) -> None:
    properties = FUNCTIONS[function].properties
    head_starts = {
        "SnapStart": properties["SnapStart"],
        "ProvisionedConcurrencyConfig": [properties["ProvisionedConcurrencyConfig"]],
    }
    usual = _value(head_starts)
    assert usual == {"SnapStart": {"ApplyOn": "None"}, "ProvisionedConcurrencyConfig": []}
    with_snapshots = _value(head_starts, SnapStart="on")
    assert with_snapshots["SnapStart"] == {"ApplyOn": "PublishedVersions"}
    ready = _value(head_starts, ProvisionedConcurrency="2")
    assert ready["ProvisionedConcurrencyConfig"] == [{"ProvisionedConcurrentExecutions": "2"}]


OWN = {"SenderEmail": "a@shop.test", "AdminEmail": "b@shop.test"}


@pytest.mark.parametrize(
    ("parameters", "rule"),
    [
        ({"Environment": "local"}, None),
        ({"Environment": "dev"}, "AddressesOfYourOwn"),
        ({"Environment": "dev", **OWN}, None),
        ({"Environment": "dev", "SenderEmail": "a@shop.test"}, "AddressesOfYourOwn"),
        ({"Environment": "local", "DomainName": "shop.test"}, "DomainWithCertificate"),
        ({"Environment": "local", "SnapStart": "on"}, None),
        ({"Environment": "local", "ProvisionedConcurrency": "3"}, None),
        (
            {"Environment": "local", "SnapStart": "on", "ProvisionedConcurrency": "1"},
            "OneKindOfHeadStart",
        ),
    ],
)
def test_template_refuses_parameters_that_contradict(
    parameters: dict[str, str], rule: str | None
) -> None:
    refusing = {
        name
        for name, given in template()["Rules"].items()
        if _holds(given.get("RuleCondition", {"Fn::And": []}), parameters)
        for assertion in given["Assertions"]
        if not _holds(assertion["Assert"], parameters)
    }
    assert refusing == ({rule} if rule else set())


def test_a_version_that_nobody_calls_any_more_goes_and_takes_its_snapshot_along() -> None:
    for function in LIVE:
        assert FUNCTIONS[function].properties["VersionDeletionPolicy"] == "Delete"


def test_new_code_makes_new_versions_that_of_the_layer_too() -> None:
    [layer] = resources("AWS::Serverless::LayerVersion").values()
    assert layer["PublishLambdaVersion"] is True
    for function in LIVE:
        assert FUNCTIONS[function].properties["AutoPublishAliasAllProperties"] is True
