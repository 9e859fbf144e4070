"""Two shops in one account and region share no name."""

import json
from collections.abc import Iterator
from typing import Final

import pytest

from tests.deployment import plans
from tests.deployment.plans import DEPLOYMENTS, Resource
from tools.template import ROOT, read

deployments = pytest.mark.parametrize("deployment", DEPLOYMENTS.values(), ids=DEPLOYMENTS)
# What else an account has once, or adds up, besides what a resource's schema calls its identifier.
ALSO_IDENTIFIED_BY: Final = {
    "AWS::CloudWatch::Alarm": ["Namespace", "MetricName", "Dimensions"],
    "AWS::Events::Rule": ["Name"],
    "AWS::Lambda::Alias": ["FunctionName", "Name"],
    "AWS::Lambda::LayerVersion": ["LayerName"],
    "AWS::SNS::Topic": ["TopicName"],
    "AWS::SQS::Queue": ["QueueName"],
    "AWS::WAFv2::WebACL": ["VisibilityConfig"],
}


def _identities(resource: Resource) -> Iterator[str]:
    """What no other resource of the account may be called; nothing where AWS draws a name."""
    schema = plans.schema_of(resource.type)
    identifier = [path.rpartition("/")[2] for path in schema["primaryIdentifier"]]
    drawn = {path.rpartition("/")[2] for path in schema.get("readOnlyProperties") or ()}
    for names in (identifier, ALSO_IDENTIFIED_BY.get(resource.type, [])):
        given = {name: resource.properties[name] for name in names if name in resource.properties}
        if given and not drawn & set(names):
            yield f"{resource.type} {json.dumps(given, sort_keys=True)}"


@deployments
def test_two_stacks_share_no_name(deployment: dict[str, str]) -> None:
    of_dev, of_prod = (
        {
            identity
            for resource in plans.of_shop(parameters, stack=stack).values()
            for identity in _identities(resource)
        }
        # A domain is one stack's.
        for stack, parameters in (
            ("bodega-dev", {**deployment, "DomainName": ""}),
            ("bodega-prod", deployment),
        )
    )
    assert of_dev
    assert not of_dev & of_prod


def test_a_shop_exports_no_name() -> None:
    outputs = read(ROOT / "template.yaml")["Outputs"].values()
    assert not [output for output in outputs if "Export" in output]


@deployments
def test_an_alarm_of_our_own_listens_to_its_own_stack_alone(deployment: dict[str, str]) -> None:
    plan = plans.of_shop(deployment, stack="bodega-dev")
    counted_in = {
        function.properties["Environment"]["Variables"]["POWERTOOLS_METRICS_NAMESPACE"]
        for _, function in plans.of_type(plan, "AWS::Lambda::Function")
    }
    listens_to = {
        alarm.properties["Namespace"]
        for _, alarm in plans.of_type(plan, "AWS::CloudWatch::Alarm")
        if not alarm.properties["Namespace"].startswith("AWS/")
    }
    assert counted_in == listens_to == {"Bodega/bodega-dev"}
