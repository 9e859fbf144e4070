"""What the emulator cannot read of the built template, as named transformations: the template
itself is written for AWS.

Each transformation changes the template of `.aws-sam/local` in place, between `sam build` and the
deployment into the emulator. Nothing else of the local shop differs from the cloud's template.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final

from tools.language_extensions import expand

type Template = dict[str, Any]
"""A built template: intrinsic functions in their long forms."""

_WORKERS: Final = 10
_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
BATCH_ACTIONS: Final = {
    "sns:Publish": "sns:PublishBatch",
    "sqs:SendMessage": "sqs:SendMessageBatch",
}
"""Actions that only the emulator knows, by those that AWS checks instead."""


def expand_loops(template: Template) -> None:
    """The emulator expands loops itself, but the transformations below are written for
    resources."""
    expanded = expand(template)
    template.clear()
    template.update(expanded)


def name_batch_actions(template: Template) -> None:
    """AWS checks a call of a batch as the call of one, the emulator as an action of its own."""
    for statement in _statements(template):
        action = statement.get("Action")
        if isinstance(action, str) and action in BATCH_ACTIONS:
            statement["Action"] = [action, BATCH_ACTIONS[action]]


def name_each_method(template: Template) -> None:
    """The emulator drops `Method: ANY`: name each method that no other event of the path has."""
    routes = [route for function in _functions(template) for route in _routes(function)]
    taken = {(route["Path"], route["Method"]) for route in routes}
    for function in _functions(template):
        events = function.get("Events", {})
        for name in [n for n, e in events.items() if e["Properties"].get("Method") == "ANY"]:
            event = events.pop(name)
            for method in _METHODS:
                if (event["Properties"]["Path"], method) not in taken:
                    properties = {**event["Properties"], "Method": method}
                    events[f"{name}{method.title()}"] = {**event, "Properties": properties}


def speak_plain_http(template: Template) -> None:
    """The emulator has no TLS: leave out the statements that deny what comes without it."""
    resources = template["Resources"]
    for name, resource in list(resources.items()):
        policy = resource["Properties"].get("PolicyDocument")
        if policy is None:
            continue
        policy["Statement"] = [
            statement
            for statement in policy["Statement"]
            if statement.get("Condition") != {"Bool": {"aws:SecureTransport": "false"}}
        ]
        if not policy["Statement"]:
            del resources[name]


def forgive_missing_keys(template: Template) -> None:
    """The emulator fills in few of the condition keys of SES, DynamoDB and KMS that AWS does: no
    statement may demand the others."""
    for statement in _statements(template):
        condition = statement.get("Condition", {})
        if "ses:FromAddress" in condition.get("StringEquals", {}):
            condition["StringEqualsIfExists"] = condition.pop("StringEquals")
        if condition.get("Null", {}).keys() & {"kms:EncryptionContextKeys", "dynamodb:Attributes"}:
            del condition["Null"]
        if statement["Action"] == "dynamodb:BatchGetItem":
            # It looks for the attributes beside RequestItems, and takes the call to read all.
            condition.pop("StringEqualsIfExists", None)
        for operator in [name for name in condition if name.startswith("ForAnyValue:")]:
            keys = condition.pop(operator)
            assert all(key.startswith("dynamodb:") for key in keys), keys


def limit_concurrency(template: Template) -> None:
    """The emulator takes a parameter's number for text and then polls no queue, and each worker is
    a process of this machine."""
    for function in _functions(template):
        for event in function.get("Events", {}).values():
            scaling = event["Properties"].get("ScalingConfig", {})
            if isinstance(scaling.get("MaximumConcurrency"), dict):
                scaling["MaximumConcurrency"] = _WORKERS


def deploy_at_once(template: Template) -> None:
    """The emulator has no CodeDeploy: aliases move at once."""
    for properties in (template["Globals"]["Function"], *_functions(template)):
        properties.pop("DeploymentPreference", None)


def drop_saved_queries(template: Template) -> None:
    """The emulator has no `AWS::Logs::QueryDefinition`, and no page where a person would see it."""
    resources = template["Resources"]
    for name in [n for n, r in resources.items() if r["Type"] == "AWS::Logs::QueryDefinition"]:
        del resources[name]


TRANSFORMATIONS: Final[tuple[Callable[[Template], None], ...]] = (
    expand_loops,
    name_each_method,
    speak_plain_http,
    forgive_missing_keys,
    name_batch_actions,
    limit_concurrency,
    deploy_at_once,
    drop_saved_queries,
)


def adapt(template: Template) -> None:
    """Apply every transformation, in the order of the list."""
    for transform in TRANSFORMATIONS:
        transform(template)


def _functions(template: Template) -> Iterator[dict[str, Any]]:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            yield resource["Properties"]


def _statements(template: Template) -> Iterator[dict[str, Any]]:
    for function in _functions(template):
        for policy in function.get("Policies", ()):
            for one in policy.get("Statement", ()):
                yield from (each for each in one.get("Fn::If", [one]) if "Effect" in each)


def _routes(function: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for event in function.get("Events", {}).values():
        if event["Type"] == "Api":
            yield event["Properties"]
