"""`make deploy` after a deployment that failed or had other parameters, and `make destroy` after
one that was interrupted."""

import json
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

import pytest
from botocore.exceptions import WaiterError

from tests.deployment.test_bootstrap import Account, account, endpoint
from tools.language_extensions import TRANSFORM
from tools.local import bootstrap, cloud, sam, stack
from tools.local.places import aws_environment
from tools.local.target import target
from tools.progress import Problem
from tools.template import ROOT, template

__all__ = ["account", "endpoint"]

SHOP: Final = target("dev")
TABLE: Final[dict[str, Any]] = {
    "Type": "AWS::DynamoDB::Table",
    "DeletionPolicy": "Retain",
    "Properties": {
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
    },
}
TOPIC: Final = {"Resources": {"Topic": {"Type": "AWS::SNS::Topic"}}}
FAILING: Final = {
    "Type": "AWS::ApiGateway::BasePathMapping",
    "DependsOn": "UsersTable",
    "Properties": {"DomainName": "no.such.domain", "RestApiId": "none"},
}


def fail(account: Account) -> None:
    """A first deployment that ends ROLLBACK_COMPLETE."""
    resources = {"UsersTable": {**TABLE, "DeletionPolicy": "Delete"}, "Failing": FAILING}
    account.cloudformation.create_stack(
        StackName=SHOP.stack, TemplateBody=json.dumps({"Resources": resources})
    )
    with pytest.raises(WaiterError):
        account.cloudformation.get_waiter("stack_create_complete").wait(
            StackName=SHOP.stack, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
        )


@pytest.fixture
def small(tmp_path: Path, account: Account, monkeypatch: pytest.MonkeyPatch) -> tuple[str, ...]:
    """SAM's arguments for the template's parameters with one resource, made by a loop, in this
    account."""
    for name, value in aws_environment(account.endpoint).items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "template.json"
    display = {"Fn::Sub": "${Firewall} ${DomainName} ${LogLevel}"}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": display}}
    small = {
        "Transform": TRANSFORM,
        "Parameters": template()["Parameters"],
        "Resources": {"Fn::ForEach::Topics": ["Name", ["Events"], {"${Name}Topic": topic}]},
    }
    file.write_text(json.dumps(small))
    config = str(ROOT / "samconfig.toml")
    return ("--template-file", str(file), "--config-file", config)


def deployed(account: Account) -> Any:
    return account.cloudformation.describe_stacks(StackName=SHOP.stack)["Stacks"][0]


def test_deploy_deletes_a_failed_first_deployment(
    account: Account, small: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    fail(account)
    failed = deployed(account)
    assert failed["StackStatus"] == "ROLLBACK_COMPLETE"
    cloud.release(SHOP, sam.parameters("dev"), *small)
    assert deployed(account)["StackStatus"] == "CREATE_COMPLETE"
    assert deployed(account)["StackId"] != failed["StackId"]
    assert "which a failed first deployment has left" in capsys.readouterr().out


def test_deploy_resets_a_value_that_is_no_longer_set(
    account: Account, small: tuple[str, ...]
) -> None:
    once = {"Firewall": "waf", "DomainName": "api.shop.test", "LogLevel": "ERROR"}
    for overrides in (once, {}):
        cloud.release(SHOP, {**sam.parameters("dev"), **overrides}, *small)
    found = {p["ParameterKey"]: p["ParameterValue"] for p in deployed(account)["Parameters"]}
    assert [found[name] for name in once] == ["auto", "", "DEBUG"]
    # Every parameter is set, also those that no environment names.
    assert sam.parameters("dev").keys() == template()["Parameters"].keys()


def test_workflow_goes_back_to_what_the_shop_says_it_runs(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in aws_environment(account.endpoint).items():
        monkeypatch.setenv(name, value)
    assert cloud.running(SHOP) == ""
    (tmp_path / "openapi.json").write_text('{"info": {"version": "1.4.0"}}')
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever).start()
        url = f"http://127.0.0.1:{server.server_port}"
        body = {**TOPIC, "Outputs": {"ApiUrl": {"Value": url}}}
        account.cloudformation.create_stack(StackName=SHOP.stack, TemplateBody=json.dumps(body))
        assert cloud.running(SHOP) == "v1.4.0"
        (tmp_path / "openapi.json").unlink()
        assert cloud.running(SHOP) == ""
        server.shutdown()


def test_failed_bootstrap_leaves_no_retained_resource(
    account: Account, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bootstrap.yaml"
    resources = {"UsersTable": TABLE, "Failing": FAILING}
    file.write_text(json.dumps({"Parameters": {}, "Resources": resources}))
    monkeypatch.setattr(bootstrap, "_FILE", file)
    with pytest.raises(Problem, match="The stack bodega-bootstrap failed: Failing"):
        bootstrap.deploy(account.cloudformation, {}, poll=0.1)
    assert account.client("dynamodb").list_tables()["TableNames"] == []


def shop_with_data(account: Account) -> dict[str, str]:
    """A stack with two tables, one of them protected, a key and a bucket that has a page; physical
    by logical names."""
    protected = {**TABLE["Properties"], "DeletionProtectionEnabled": True}
    key = {"Type": "AWS::KMS::Key", "DeletionPolicy": "Retain", "Properties": {"KeyPolicy": {}}}
    resources = {
        "ProductsTable": TABLE,
        "UsersTable": {**TABLE, "Properties": protected},
        "TokenKey": key,
        # Kept, so that a test sees what was in it: the emulator deletes buckets with objects too.
        "WebBucket": {"Type": "AWS::S3::Bucket", "DeletionPolicy": "Retain"},
    }
    outputs = {"WebBucket": {"Value": {"Ref": "WebBucket"}}}
    account.cloudformation.create_stack(
        StackName=SHOP.stack, TemplateBody=json.dumps({"Resources": resources, "Outputs": outputs})
    )
    account.cloudformation.get_waiter("stack_create_complete").wait(
        StackName=SHOP.stack, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    listed = account.cloudformation.list_stack_resources(StackName=SHOP.stack)
    names = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in listed["StackResourceSummaries"]
    }
    account.client("s3").put_object(Bucket=names["WebBucket"], Key="shop/index.html", Body=b"shop")
    return names


def test_destroy_deletes_all_data_or_none(account: Account) -> None:
    names = shop_with_data(account)
    dynamodb, kms, s3 = (account.client(name) for name in ("dynamodb", "kms", "s3"))

    destroy = ("destroy", "dev", "--yes", "--with-data")
    ended = account.run(*destroy)
    assert ended.returncode == 1
    assert f"Nothing was deleted: {names['UsersTable']} is protected." in ended.stderr
    assert stack.exists(account.cloudformation, SHOP.stack)
    s3.head_object(Bucket=names["WebBucket"], Key="shop/index.html")
    assert set(dynamodb.list_tables()["TableNames"]) == {
        names["UsersTable"],
        names["ProductsTable"],
    }

    dynamodb.update_table(TableName=names["UsersTable"], DeletionProtectionEnabled=False)
    dynamodb.delete_table(TableName=names["ProductsTable"])
    ended = account.run(*destroy)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert not stack.exists(account.cloudformation, SHOP.stack)
    assert dynamodb.list_tables()["TableNames"] == []
    assert "Contents" not in s3.list_objects_v2(Bucket=names["WebBucket"])
    found = kms.describe_key(KeyId=names["TokenKey"])["KeyMetadata"]
    assert found["KeyState"] == "PendingDeletion"
    # An operator needs the names after a failure.
    before, _, _ = ended.stdout.partition("Deleting")
    assert all(name in before for key, name in names.items() if key != "WebBucket")
