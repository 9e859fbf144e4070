"""The roles as they were deployed, with what SAM adds to them, allow what the functions do and nothing else."""

import json
from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from shared.storage.dynamodb import to_wire
from tests.privileges.plays import asked
from tests.simulation.cloud import ACCOUNT
from tests.support.client import Client
from tests.support.cloud import Cloud
from tests.support.functions import FUNCTIONS
from tests.support.grants import NAMED, arn, granted
from tests.support.policies import Request, Statement, allows, statements
from tools.local import adapt, stack

# For Lambda itself, which writes what functions print, sends their traces, and polls queues and streams for them. All
# are for every resource of the account: the functions' own policies take back the others'.
ADDED: Final = {
    "": {"AWSLambdaBasicExecutionRole", "AWSXRayDaemonWriteAccess", "AWSXrayWriteOnlyAccess"},
    "SQS": {"AWSLambdaSQSQueueExecutionRole"},
    "DynamoDB": {"AWSLambdaDynamoDBExecutionRole"},
}

functions = pytest.mark.parametrize("function", FUNCTIONS)


@pytest.fixture(scope="module")
def calls() -> dict[str, list[Request]]:
    return asked()


def role_of(cloud: Cloud, function: str) -> str:
    name = cloud.physical_id(function)
    configuration = cloud.client("lambda").get_function_configuration(FunctionName=name)
    return str(configuration["Role"]).rpartition("/")[2]


def own_policy(cloud: Cloud, function: str) -> list[Statement]:
    """The role's statements, with resources called as in the template."""
    iam, role = cloud.client("iam"), role_of(cloud, function)
    documents = [
        iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
        for name in iam.list_role_policies(RoleName=role)["PolicyNames"]
    ]
    text = json.dumps(documents)
    for logical in NAMED:
        physical = cloud.physical_id(logical).rpartition("/")[2].rpartition(":")[2]
        text = text.replace(physical, logical)
    text = text.replace(cloud.client("sts").get_caller_identity()["Account"], ACCOUNT)
    return [statement for document in json.loads(text) for statement in statements(document)]


@functions
def test_a_deployed_role_allows_what_its_function_does_and_nothing_else(
    cloud: Cloud, calls: dict[str, list[Request]], function: str
) -> None:
    policy = own_policy(cloud, function)
    assert len(policy) == len(granted(function, "PassThrough"))
    denied = [str(call) for call in calls[function] if not allows(policy, call)]
    unused = [
        text
        for statement in policy
        if statement.effect == "Allow"
        for text in statement.unused(calls[function])
        if not text.startswith(tuple(adapt.BATCH_ACTIONS.values()))
    ]
    assert not denied + unused, "\n".join(denied + unused)


@functions
def test_what_else_is_attached_to_a_role_is_what_lambda_itself_needs(
    cloud: Cloud, function: str
) -> None:
    answer = cloud.client("iam").list_attached_role_policies(RoleName=role_of(cloud, function))
    attached = {policy["PolicyName"] for policy in answer["AttachedPolicies"]}
    needed = [
        names for type_, names in ADDED.items() if not type_ or FUNCTIONS[function].events(type_)
    ]
    assert attached <= set().union(*needed)


def as_function(cloud: Cloud, function: str) -> Any:
    """A client of DynamoDB with nothing but a function's role, as whoever took it over has."""
    sts = cloud.client("sts")
    role = cloud.client("iam").get_role(RoleName=role_of(cloud, function))["Role"]
    given = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="a-thief")["Credentials"]
    return stack.session().client(
        "dynamodb",
        endpoint_url=cloud.shop.endpoint,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )


def test_the_directory_s_role_cannot_read_a_password_s_hash(cloud: Cloud, customer: Client) -> None:
    thief = as_function(cloud, "UsersDirectory")
    account: Any = {
        "TableName": cloud.physical_id("UsersTable"),
        "Key": to_wire({"pk": f"USER#{customer.user['id']}", "sk": "USER"}),
    }
    assert thief.get_item(**account, ProjectionExpression="id, email")["Item"]
    for projection in ({}, {"ProjectionExpression": "id, password_hash"}):
        with pytest.raises(ClientError, match="AccessDenied"):
            thief.get_item(**account, **projection)
    with pytest.raises(ClientError, match="AccessDenied"):
        thief.scan(TableName=account["TableName"])


def test_a_relay_s_role_reads_no_stream_but_its_own(cloud: Cloud) -> None:
    # Whatever else allows it.
    policy = [
        *own_policy(cloud, "OrdersRelay"),
        Statement("Allow", ("dynamodb:GetRecords",), ("*",)),
    ]

    def reads(table: str) -> bool:
        described = cloud.client("dynamodb").describe_table(TableName=cloud.physical_id(table))
        stream = str(described["Table"]["LatestStreamArn"]).rpartition("/stream/")[2]
        return allows(policy, Request("dynamodb:GetRecords", f"{arn(table)}/stream/{stream}"))

    assert reads("OrdersTable")
    assert not reads("UsersTable")
    assert not reads("ProductsTable")
