"""The deployed roles: what the emulator denies to a function's role.

tests/privileges compares the template's policies with what each function does. The stack runs with
these policies enforced.
"""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from shared.storage.dynamodb import to_wire
from tests.support.client import Client
from tests.support.cloud import Cloud
from tools.local import stack


def test_role_of_the_directory_cannot_read_password_hashes(cloud: Cloud, customer: Client) -> None:
    # With the function's role only, as an attacker in the function.
    function = cloud.client("lambda").get_function_configuration(
        FunctionName=cloud.physical_id("UsersDirectory")
    )
    role = cloud.client("iam").get_role(RoleName=function["Role"].rpartition("/")[2])["Role"]
    assumed = cloud.client("sts").assume_role(RoleArn=role["Arn"], RoleSessionName="attacker")
    dynamodb: Any = stack.session().client(
        "dynamodb",
        endpoint_url=cloud.shop.endpoint,
        aws_access_key_id=assumed["Credentials"]["AccessKeyId"],
        aws_secret_access_key=assumed["Credentials"]["SecretAccessKey"],
        aws_session_token=assumed["Credentials"]["SessionToken"],
    )
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
