"""The functions' roles as CloudFormation gets them: what SAM's transform makes of the template,
with the documents of the AWS managed policies that it attaches (moto's copies, which have the
version and date of each)."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

from moto.iam.aws_managed_policies import aws_managed_policies_data

from tests.simulation.cloud import ACCOUNT
from tests.support import grants
from tests.support.functions import FUNCTIONS
from tools.intrinsics import is_made, resolve
from tools.template import alias, resources
from tools.transformed import transformed

type Document = dict[str, Any]

TRACED: Final = "Active"
_POLICY_RESOURCES: Final = {"AWS::SQS::QueuePolicy": "Queues", "AWS::SNS::TopicPolicy": "Topics"}


@cache
def roles(tracing_mode: str = TRACED, trace_saga: str = "off") -> Mapping[str, dict[str, Document]]:
    """The policies of each function's role, by name."""
    made = transformed()["Resources"]
    managed = json.loads(aws_managed_policies_data)
    aliases = {f"{name}Alias{alias()}": f"{name}.Alias" for name in FUNCTIONS}

    def policies(function: str) -> dict[str, Document]:
        role = made[f"{function}Role"]["Properties"]
        own = resolve(
            role["Policies"],
            ref=lambda name: grants.ref(aliases.get(name, name)),
            attribute=grants.attribute,
            # A shop that is paid through Stripe may do all that others may.
            parameters={
                "TracingMode": tracing_mode,
                "TraceSaga": trace_saga,
                "PaymentProvider": "stripe",
            },
        )
        attached = [arn.rpartition("/")[2] for arn in role["ManagedPolicyArns"]]
        return {policy["PolicyName"]: policy["PolicyDocument"] for policy in own} | {
            name: managed[name]["Document"] for name in attached
        }

    return {function: policies(function) for function in FUNCTIONS}


def resource_policies() -> dict[str, Document]:
    """The policies that keys, queues and the topic have themselves, by ARN."""
    keys = {
        grants.arn(name): key["KeyPolicy"]
        for name, key in resources("AWS::KMS::Key").items()
        if is_made(name)
    }
    others = {
        _resolved(named): policy["PolicyDocument"]
        for type_, whose in _POLICY_RESOURCES.items()
        for policy in resources(type_).values()
        for named in policy[whose]
    }
    return {arn: _resolved(policy) for arn, policy in (keys | others).items()}


def _resolved(value: Any) -> Any:
    text = json.dumps(value).replace("${AWS::Partition}", "aws")
    text = text.replace("${AWS::AccountId}", ACCOUNT)
    return resolve(json.loads(text), ref=grants.arn, attribute=grants.attribute)
