"""The deployed stack, read through the emulator's own API."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from tools.local.places import BUCKET, CREDENTIALS, REGION, STACK
from tools.progress import Problem

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

_QUICK: Final = Config(connect_timeout=2, read_timeout=30, retries={"total_max_attempts": 2})


@dataclass(frozen=True)
class Stack:
    """What a deployment made.

    Attributes:
        outputs: the stack's outputs by name.
        functions: the functions' names by their names in the template.
        aliases: the ARNs of those functions' aliases that others call them by.
    """

    endpoint: str
    outputs: Mapping[str, str]
    functions: Mapping[str, str]
    aliases: Mapping[str, str]

    def called(self, function: str) -> str:
        """The ARN or name that callers use; the emulator has other workers for an alias."""
        return self.aliases.get(function, self.functions[function])

    @property
    def api_id(self) -> str:
        return self.outputs["ApiId"]

    @property
    def api_url(self) -> str:
        """Where the emulator serves the API; the id changes whenever the API does."""
        return f"{self.endpoint}/_aws/execute-api/{self.api_id}/{self.outputs['StageName']}"


def session() -> boto3.Session:
    return boto3.Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        region_name=REGION,
    )


def cloudformation_of(endpoint: str) -> "CloudFormationClient":
    return session().client("cloudformation", endpoint_url=endpoint, config=_QUICK)


def read(endpoint: str) -> Stack:
    cloudformation = cloudformation_of(endpoint)
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=STACK)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]

    def made(*types: str) -> dict[str, str]:
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for resource in resources
            if resource["ResourceType"] in types and "PhysicalResourceId" in resource
        }

    return Stack(
        endpoint,
        outputs=outputs(cloudformation, STACK),
        functions=made("AWS::Lambda::Function", "AWS::Serverless::Function"),
        aliases={
            # SAM's own name for it: the function's, with the alias behind.
            name.partition("Alias")[0]: arn
            for name, arn in made("AWS::Lambda::Alias").items()
        },
    )


def exists(cloudformation: "CloudFormationClient", name: str) -> bool:
    try:
        cloudformation.describe_stacks(StackName=name)
    except ClientError as error:
        if error.response["Error"]["Code"] == "ValidationError":  # "Stack with id … does not exist"
            return False
        raise
    return True


def outputs(cloudformation: "CloudFormationClient", name: str) -> dict[str, str]:
    """A stack's outputs by name, wherever it is deployed.

    Raises:
        Problem: there is no such stack.
    """
    if not exists(cloudformation, name):
        raise Problem(f"There is no stack {name} in {cloudformation.meta.region_name}.")
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return {
        output["OutputKey"]: output["OutputValue"]
        for output in stack.get("Outputs", [])
        if "OutputKey" in output and "OutputValue" in output
    }


def failure(cloudformation: "CloudFormationClient", name: str = STACK) -> str | None:
    """Why the last deployment failed: the reason of the first resource that did."""
    events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    for event in reversed(events):
        if event.get("ResourceStatus", "").endswith("_FAILED"):
            return f"{event.get('LogicalResourceId')}: {event.get('ResourceStatusReason')}"
    return None


def make_bucket(endpoint: str) -> None:
    """Where `sam deploy` puts the packages."""
    s3 = session().client("s3", endpoint_url=endpoint, config=_QUICK)
    s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})


def put_secret(endpoint: str, name: str, value: str) -> None:
    """Store a SecureString, which no template can hold."""
    ssm = session().client("ssm", endpoint_url=endpoint, config=_QUICK)
    ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True)


def wait_for_versions(stack: Stack) -> None:
    """Wait until the aliases' versions take calls. In the cloud, the deployment itself waits."""
    functions = session().client("lambda", endpoint_url=stack.endpoint, config=_QUICK)
    for alias in stack.aliases.values():
        functions.get_waiter("published_version_active").wait(
            FunctionName=alias, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )


def compression_threshold(stack: Stack) -> int | None:
    """From how many bytes the API compresses its answers; None when it does not."""
    apis = session().client("apigateway", endpoint_url=stack.endpoint, config=_QUICK)
    return apis.get_rest_api(restApiId=stack.api_id).get("minimumCompressionSize")


def environment_variables(stack: Stack) -> dict[str, dict[str, str]]:
    """Each function's variables, with the values that the deployment gave them."""
    functions = session().client("lambda", endpoint_url=stack.endpoint, config=_QUICK)
    variables = {}
    for name, deployed in sorted(stack.functions.items()):
        configuration = functions.get_function_configuration(FunctionName=deployed)
        variables[name] = dict(configuration.get("Environment", {}).get("Variables", {}))
    return variables


def log_groups(stack: Stack) -> dict[str, str]:
    """The writer of each log group: a function's name in the template, or a word for several."""
    functions = session().client("lambda", endpoint_url=stack.endpoint, config=_QUICK)
    groups: dict[str, list[str]] = {}
    for name, deployed in stack.functions.items():
        configuration = functions.get_function_configuration(FunctionName=deployed)
        group = configuration.get("LoggingConfig", {}).get("LogGroup", f"/aws/lambda/{deployed}")
        groups.setdefault(group, []).append(name)
    return {
        group: names[0] if len(names) == 1 else group.rpartition("/")[2]
        for group, names in groups.items()
    }
