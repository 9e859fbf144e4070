"""The versions and aliases by which functions are called: SnapStart and provisioned concurrency
need them."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.functions import FUNCTIONS
from tools.intrinsics import _holds, resolve
from tools.template import alias, resources, template

COMMON = template()["Globals"]["Function"]
CALLED = [name for name, function in FUNCTIONS.items() if "SnapStart" in function.properties]
# Properties of a function that are no part of its versions.
BESIDE = {
    *("Policies", "Events", "VersionDescription", "ProvisionedConcurrencyConfig"),
    "DeploymentPreference",
}
# Containers on a developer's machine have no versions.
NEVER_CHANGES = {"EndpointUrl"}
FREE_TEXT = (
    *("TokenIssuer", "CorsOrigins", "StripeSecret"),
    *("SenderEmail", "AdminEmail", "ShopUrl"),
)
OWN = {
    "SenderEmail": "a@shop.test",
    "AdminEmail": "b@shop.test",
    "ShopUrl": "https://shop.test",
}

each_function = pytest.mark.parametrize("function", FUNCTIONS)
called = pytest.mark.parametrize("function", CALLED)


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


@each_function
def test_version_changes_with_the_code_and_with_each_parameter_that_it_depends_on(
    function: str,
) -> None:
    # CloudFormation makes a new version when the description changes, and fails where the function
    # did not.
    properties = FUNCTIONS[function].properties
    of_version = [
        {name: value for name, value in given.items() if name not in BESIDE}
        for given in (properties, COMMON)
    ]
    needed = _parameters(of_version) - NEVER_CHANGES
    assert _parameters(properties["VersionDescription"]) == needed
    # Without it, a version is made for changed code only.
    assert properties["AutoPublishAliasAllProperties"] is True


def test_every_function_has_the_alias_and_old_versions_are_deleted() -> None:
    assert alias() == "live"
    # A version that is not called any more goes, with its snapshot.
    assert COMMON["VersionDeletionPolicy"] == "Delete"
    for layer in resources("AWS::Serverless::LayerVersion").values():
        assert layer["PublishLambdaVersion"] is True


@each_function
def test_description_is_no_longer_than_lambda_allows(function: str) -> None:
    longest = {
        name: max(map(str, values), key=len)
        for name, parameter in template()["Parameters"].items()
        if (values := parameter.get("AllowedValues"))
    }
    longest |= {name: "x" * template()["Parameters"][name]["MaxLength"] for name in FREE_TEXT}
    description = _value(FUNCTIONS[function].properties["VersionDescription"], **longest)
    assert len(description) <= 256


def test_functions_are_called_by_their_alias() -> None:
    found = {function.name for function in FUNCTIONS.values() if function.events("Api")}
    for function in FUNCTIONS.values():
        for name in _names(function.properties["Environment"]["Variables"]):
            assert name not in FUNCTIONS, f"{function.name} calls {name} past its alias"
            if name.endswith(".Alias"):
                found.add(name.removesuffix(".Alias"))
    # The others wait for no caller: they need no head start.
    assert found == set(CALLED)


@called
def test_snapshots_and_ready_environments_are_made_where_a_parameter_says_so(function: str) -> None:
    properties = FUNCTIONS[function].properties
    snap_start, ready = properties["SnapStart"], [properties["ProvisionedConcurrencyConfig"]]
    assert _value(snap_start) == {"ApplyOn": "None"}
    assert _value(snap_start, SnapStart="on") == {"ApplyOn": "PublishedVersions"}
    assert _value(ready) == []
    assert _value(ready, ProvisionedConcurrency="2") == [{"ProvisionedConcurrentExecutions": "2"}]


@pytest.mark.parametrize(
    ("parameters", "rule"),
    [
        ({"Environment": "local"}, None),
        ({"Environment": "dev"}, "AddressesOfYourOwn"),
        ({"Environment": "dev", **OWN}, None),
        ({"Environment": "dev", "SenderEmail": "a@shop.test"}, "AddressesOfYourOwn"),
        ({"Environment": "dev", **OWN, "PaymentProvider": "stripe"}, "SecretForEachShop"),
        ({"Environment": "dev", **OWN, "PaymentProvider": "stripe", "StripeSecret": "/dev"}, None),
        ({"Environment": "prod", **OWN, "PaymentProvider": "stripe"}, "AlarmsReachSomebody"),
        ({"Environment": "prod", **OWN, "AlarmEmail": "me@shop.test"}, None),
        ({"Environment": "prod", **OWN, "AlarmEndpoint": "https://pager.test"}, None),
        ({"Environment": "local", "PaymentProvider": "stripe"}, None),
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
