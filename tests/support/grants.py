"""What the template allows each function, with the ARNs that its resources would have in one
account."""

from functools import cache
from typing import Final

from tests.simulation.cloud import ACCOUNT, REGION
from tests.support.functions import FUNCTIONS
from tests.support.policies import Statement, statements
from tools.intrinsics import is_made, parameter, resolve
from tools.template import alias, template

_PLACE: Final = f"{REGION}:{ACCOUNT}"
_ARNS: Final = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{_PLACE}:table/",
    "AWS::KMS::Key": f"arn:aws:kms:{_PLACE}:key/",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{_PLACE}:log-group:",
    "AWS::Serverless::Function": f"arn:aws:lambda:{_PLACE}:function:",
    "AWS::SNS::Topic": f"arn:aws:sns:{_PLACE}:",
    "AWS::SQS::Queue": f"arn:aws:sqs:{_PLACE}:",
}
# What policies speak of by a name that is the deployment's.
NAMED: Final = tuple(
    name
    for name, resource in template()["Resources"].items()
    if resource["Type"] in _ARNS.keys() - {"AWS::Logs::LogGroup"} and is_made(name)
)
STACK: Final = parameter("AWS::StackName")
FUNCTION_ARNS: Final = _ARNS["AWS::Serverless::Function"]
IDENTITIES: Final = f"arn:aws:ses:{_PLACE}:identity/"
CLOUDWATCH: Final = f"arn:aws:cloudwatch:{_PLACE}:"


def arn(logical_id: str) -> str:
    """A resource's, whose name is its logical id."""
    return _ARNS[template()["Resources"][logical_id]["Type"]] + logical_id


def parameter_arn(name: str) -> str:
    """A parameter's of Systems Manager, whose name begins with a slash."""
    return f"arn:aws:ssm:{_PLACE}:parameter{name}"


@cache
def granted(function: str, tracing_mode: str = "Active") -> tuple[Statement, ...]:
    """The statements of a function's own policies, in a deployment with this tracing mode."""
    return tuple(
        statement
        for policy in FUNCTIONS[function].properties["Policies"]
        for statement in statements(
            resolve(policy, ref=ref, attribute=attribute, parameters={"TracingMode": tracing_mode})
        )
    )


def ref(name: str) -> str:
    """What `Ref` gives of a resource."""
    function, _, named = name.partition(".")
    if named == "Alias":
        return f"{arn(function)}:{alias()}"
    is_topic = template()["Resources"][name]["Type"] == "AWS::SNS::Topic"
    return arn(name) if is_topic else name


def attribute(text: str) -> str:
    """What `GetAtt` gives of a resource."""
    name, _, attribute = text.partition(".")
    if template()["Resources"][name]["Type"] == "AWS::Logs::LogGroup":
        return f"{arn(name)}:*"
    return arn(name) + {"Arn": "", "StreamArn": "/stream/now"}[attribute]
