"""What CloudFormation makes in which order and under which names, for each way to deploy.

cfn-lint finds resources that wait for themselves or for one that a condition leaves out (`make
check`).
"""

import json
from collections.abc import Iterator, Mapping
from typing import Final

import pytest

from tests.deployment import plans
from tests.deployment.plans import DEPLOYMENTS, Plan, Resource
from tools.template import ROOT, read, template

deployments = pytest.mark.parametrize("deployment", DEPLOYMENTS.values(), ids=DEPLOYMENTS)
# What else identifies a resource in an account, besides what its schema calls its identifier.
ALSO_IDENTIFIED_BY: Final = {
    "AWS::CloudWatch::Alarm": ["Namespace", "MetricName", "Dimensions"],
    "AWS::Events::Rule": ["Name"],
    "AWS::Lambda::Alias": ["FunctionName", "Name"],
    "AWS::Lambda::LayerVersion": ["LayerName"],
    "AWS::SNS::Topic": ["TopicName"],
    "AWS::SQS::Queue": ["QueueName"],
    "AWS::WAFv2::WebACL": ["VisibilityConfig"],
}


# --- the account's setting ---


def test_account_takes_the_role_for_access_logs_after_it_has_an_api() -> None:
    # "If an API Gateway resource has never been created in your AWS account, you must add a
    # dependency on another API Gateway resource": the documentation of AWS::ApiGateway::Account.
    plan = plans.of_bootstrap()
    [(setting, _)] = plans.of_type(plan, "AWS::ApiGateway::Account")
    types = {plan[name].type for name in plans.waits_for(plan, setting)}
    assert types == {"AWS::ApiGateway::RestApi", "AWS::IAM::Role"}


@deployments
def test_shop_needs_the_accounts_settings_and_makes_none(deployment: dict[str, str]) -> None:
    outputs = read(ROOT / "bootstrap.yaml")["Outputs"].values()
    exported = {output["Export"]["Name"] for output in outputs if "Export" in output}
    plan = plans.of_shop(deployment)
    [(_, stage)] = plans.of_type(plan, "AWS::ApiGateway::Stage")
    assert "AccessLogSetting" in stage.properties
    assert stage.imports == exported == {"bodega:ApiLogsRole"}
    once = {"AWS::ApiGateway::Account", "AWS::SES::EmailIdentity", "AWS::IAM::OIDCProvider"}
    assert not once & {resource.type for resource in plan.values()}


# --- the order ---


def _pairs(plan: Plan) -> Iterator[tuple[str, str]]:
    """A resource, and one that must exist before it."""
    [(stage, _)] = plans.of_type(plan, "AWS::ApiGateway::Stage")
    for type_ in ("AWS::WAFv2::WebACLAssociation", "AWS::ApiGateway::BasePathMapping"):
        yield from ((name, stage) for name, _ in plans.of_type(plan, type_))
    for name, subscription in plans.of_type(plan, "AWS::SNS::Subscription"):
        # Before its policy exists, a queue refuses what the topic sends, and so does the
        # dead-letter queue.
        dead_letters = subscription.properties["RedrivePolicy"]["deadLetterTargetArn"]
        queues = {_named(subscription.properties["Endpoint"]), _named(dead_letters)}
        needed = [
            policy
            for policy, resource in plans.of_type(plan, "AWS::SQS::QueuePolicy")
            if queues & {_named(queue) for queue in resource.properties["Queues"]}
        ]
        assert len(needed) == 2
        yield from ((name, policy) for policy in needed)
    for name, function in plans.of_type(plan, "AWS::Lambda::Function"):
        # A topic drops what it has no subscription for.
        if topic := function.properties["Environment"]["Variables"].get("TOPIC_ARN"):
            yield from (
                (name, subscribed)
                for subscribed, one in plans.of_type(plan, "AWS::SNS::Subscription")
                if one.properties["TopicArn"] == topic
            )
    # The verifiers of the last release do not know the kind of keys by which UsersApi signs.
    for name, alias in plans.of_type(plan, "AWS::Lambda::Alias"):
        if _named(alias.properties["FunctionName"]) in (
            "NotificationsApi",
            "OrdersApi",
            "ProductsApi",
        ):
            yield "UsersApi", name
    for name, source in plans.of_type(plan, "AWS::Lambda::EventSourceMapping"):
        # Lambda checks the role when it makes the mapping.
        function = plan[_named(source.properties["FunctionName"])].properties["FunctionName"]
        role = _named(plan[_named(function)].properties["Role"])
        assert plan[role].properties["Policies"]
        yield name, role


def _named(value: str) -> str:
    """The resource that a resolved value names."""
    return value.rpartition("/")[2].partition(".")[0]


@deployments
def test_resource_waits_for_what_aws_needs_first(deployment: dict[str, str]) -> None:
    plan = plans.of_shop(deployment)
    pairs = list(_pairs(plan))
    assert len(pairs) >= 12
    for name, first in pairs:
        assert first in plans.waits_for(plan, name), f"{name} may be made before {first}"
    # A policy of its own could come after the function.
    types = {resource.type for resource in plan.values()}
    assert not types & {"AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::RolePolicy"}


@deployments
def test_no_resource_waits_for_itself(deployment: dict[str, str]) -> None:
    plan = plans.of_shop(deployment)
    assert not [name for name in plan if name in plans.waits_for(plan, name)]


@deployments
def test_permission_is_for_the_alias_that_is_called(deployment: dict[str, str]) -> None:
    # A permission without the alias's qualifier is one for the unpublished function alone.
    plan = plans.of_shop(deployment)
    aliases = plans.of_type(plan, "AWS::Lambda::Alias")
    aliased = {_named(alias.properties["FunctionName"]) for _, alias in aliases}
    permissions = plans.of_type(plan, "AWS::Lambda::Permission")
    assert not aliased & {_named(one.properties["FunctionName"]) for _, one in permissions}


@deployments
def test_function_and_its_layers_are_for_one_architecture(deployment: dict[str, str]) -> None:
    plan = plans.of_shop(deployment)
    for _, function in plans.of_type(plan, "AWS::Lambda::Function"):
        own = function.properties["Architectures"]
        for layer in (plan[_named(one)].properties for one in function.properties["Layers"]):
            # A layer without it, of Python alone, is for all of them.
            assert layer.get("CompatibleArchitectures", own) == own
            assert function.properties["Runtime"] in layer["CompatibleRuntimes"]


# --- the names ---


def _identities(resource: Resource) -> Iterator[str]:
    """What no other resource of the account may be called; nothing where AWS generates the name."""
    schema = plans.schema_of(resource.type)
    identifier = [path.rpartition("/")[2] for path in schema["primaryIdentifier"]]
    generated = {path.rpartition("/")[2] for path in schema.get("readOnlyProperties") or ()}
    also = ALSO_IDENTIFIED_BY.get(resource.type, [])
    if resource.type == "AWS::CloudWatch::Alarm" and "Dimensions" not in resource.properties:
        # The metric is the account's: each of its shops has an alarm of it.
        also = []
    for names in (identifier, also):
        given = {name: resource.properties[name] for name in names if name in resource.properties}
        if given and not generated & set(names):
            yield f"{resource.type} {json.dumps(given, sort_keys=True)}"


def _names(parameters: Mapping[str, str], stack: str) -> set[str]:
    plan = plans.of_shop(parameters, stack=stack)
    return {identity for resource in plan.values() for identity in _identities(resource)}


@deployments
def test_two_stacks_share_no_name(deployment: dict[str, str]) -> None:
    # A domain belongs to one stack.
    of_dev = _names({**deployment, "DomainName": ""}, "bodega-dev")
    assert of_dev
    assert not of_dev & _names(deployment, "bodega-prod")
    assert not [output for output in template()["Outputs"].values() if "Export" in output]


@deployments
def test_alarms_watch_the_metrics_of_their_own_stack(deployment: dict[str, str]) -> None:
    plan = plans.of_shop(deployment, stack="bodega-dev")
    emitted = {
        function.properties["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"]
        for _, function in plans.of_type(plan, "AWS::Lambda::Function")
    }
    watched = {
        alarm.properties["Namespace"]
        for _, alarm in plans.of_type(plan, "AWS::CloudWatch::Alarm")
        if not alarm.properties["Namespace"].startswith("AWS/")
    }
    assert emitted == watched == {"Bodega/bodega-dev"}
