"""The deployed roles, with what SAM adds: what the emulator denies to a function's role.

tests/privileges compares the template's policies with what each function does. The whole stack runs
with these policies enforced.
"""

from typing import Any, Final

import pytest
from botocore.exceptions import ClientError

from shared.storage.dynamodb import to_wire
from tests.support.client import Client
from tests.support.cloud import Cloud
from tests.support.functions import FUNCTIONS
from tools.local import stack

# Lambda itself needs them: it writes what functions print, sends traces, polls queues and streams.
# All are for every resource of the account; the functions' own policies deny the others' streams.
ADDED: Final = {
    "": {"AWSLambdaBasicExecutionRole", "AWSXRayDaemonWriteAccess", "AWSXrayWriteOnlyAccess"},
    "SQS": {"AWSLambdaSQSQueueExecutionRole"},
    "DynamoDB": {"AWSLambdaDynamoDBExecutionRole"},
}


def role_of(cloud: Cloud, function: str) -> str:
    name = cloud.physical_id(function)
    configuration = cloud.client("lambda").get_function_configuration(FunctionName=name)
    return str(configuration["Role"]).rpartition("/")[2]


def test_managed_policies_of_roles_are_those_that_lambda_needs(cloud: Cloud) -> None:
    iam = cloud.client("iam")
    for name, function in FUNCTIONS.items():
        attached = iam.list_attached_role_policies(RoleName=role_of(cloud, name))
        names = {policy["PolicyName"] for policy in attached["AttachedPolicies"]}
        needed = [ADDED[type_] for type_ in ADDED if not type_ or function.events(type_)]
        assert names <= set().union(*needed), name


def as_function(cloud: Cloud, function: str, service: Any) -> Any:
    """An AWS client with a function's role only, as an attacker in the function has."""
    role = cloud.client("iam").get_role(RoleName=role_of(cloud, function))["Role"]
    given = cloud.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="attacker")
    credentials = given["Credentials"]
    return stack.session().client(
        service,
        endpoint_url=cloud.shop.endpoint,
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


def test_role_of_the_directory_cannot_read_password_hashes(cloud: Cloud, customer: Client) -> None:
    dynamodb = as_function(cloud, "UsersDirectory", "dynamodb")
    account: Any = {
        "TableName": cloud.physical_id("UsersTable"),
        "Key": to_wire({"pk": f"USER#{customer.user['id']}", "sk": "USER"}),
    }
    assert dynamodb.get_item(**account, ProjectionExpression="id, email")["Item"]
    for projection in ({}, {"ProjectionExpression": "id, password_hash"}):
        with pytest.raises(ClientError, match="AccessDenied"):
            dynamodb.get_item(**account, **projection)
    with pytest.raises(ClientError, match="AccessDenied"):
        dynamodb.scan(TableName=account["TableName"])
