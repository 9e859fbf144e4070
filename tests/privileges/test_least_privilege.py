"""Each function may do what it does, and nothing else: the template's policies against what functions ask of AWS."""

from collections.abc import Callable
from itertools import product

import pytest

from tests.support.functions import FUNCTIONS
from tests.support.grants import granted
from tests.support.policies import Request, allows

# What a policy may say of all resources, and why.
EVERYTHING = {
    # Which identity SES asks about depends on what is verified; the condition says whom the shop writes as.
    "ses:SendEmail": "ses:FromAddress",
}

LIMITS = {"ForAllValues:StringEquals", "ForAllValues:StringLike"}
SHOWING = {"dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}
READS = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query")

functions = pytest.mark.parametrize("function", FUNCTIONS)


@functions
def test_each_call_that_a_function_makes_is_allowed(
    calls: dict[str, list[Request]], function: str
) -> None:
    assert calls[function], "it was never at work"
    denied = [str(call) for call in calls[function] if not allows(granted(function), call)]
    assert not denied, "\n".join(denied)


@functions
def test_each_action_that_a_function_is_granted_is_used(
    calls: dict[str, list[Request]], function: str
) -> None:
    unused = [
        text
        for statement in granted(function)
        if statement.effect == "Allow"
        for text in statement.unused(calls[function])
    ]
    assert not unused, "\n".join(unused)


@functions
def test_no_grant_is_for_more_than_is_named(function: str) -> None:
    for statement in granted(function):
        if statement.effect == "Deny":
            # The more the better.
            continue
        assert not [action for action in statement.actions if "*" in action or "?" in action]
        for resource in statement.resources:
            if resource == "*":
                [action] = statement.actions
                assert EVERYTHING[action] in {key for _, key, _ in statement.tests}
            else:
                assert "*" not in resource
                assert "?" not in resource


@functions
def test_a_write_of_some_attributes_shows_no_item_that_the_function_may_not_read(
    function: str,
) -> None:
    policy = granted(function)
    for statement in policy:
        limited = {key: values for operator, key, values in statement.tests if operator in LIMITS}
        writes = [action for action in statement.actions if action in SHOWING]
        if not writes or "dynamodb:Attributes" not in limited:
            continue
        [table] = statement.resources
        for action, pattern, shown in product(
            writes, limited["dynamodb:LeadingKeys"], ("ALL_OLD", "ALL_NEW")
        ):
            item: dict[str, str | tuple[str, ...]] = {
                "dynamodb:LeadingKeys": (pattern.replace("*", "1"),),
                "dynamodb:Attributes": ("pk", "sk"),
            }
            if allows(policy, Request(action, table, {**item, "dynamodb:ReturnValues": shown})):
                reading = {**item, "dynamodb:Select": "ALL_ATTRIBUTES"}
                assert any(allows(policy, Request(read, table, reading)) for read in READS), (
                    f"{action} with ReturnValues {shown} shows {pattern} whole"
                )


def test_what_is_granted_and_what_is_used(
    calls: dict[str, list[Request]], say: Callable[[str], None]
) -> None:
    """The table, for whoever reads the tests' output."""
    for function in FUNCTIONS:
        given = {
            (action, resource)
            for statement in granted(function)
            if statement.effect == "Allow"
            for action in statement.actions
            for resource in statement.resources
        }
        used = {(call.action, call.resource) for call in calls[function]}
        conditions = sum(len(statement.tests) for statement in granted(function))
        actions = sorted({action for action, _ in given})
        assert len(used) >= len({action for action, _ in given})
        say(
            f"{function:<20}{len(given):>3} granted{len(used):>4} used{conditions:>4} conditions  "
            + " ".join(actions)
        )
