"""A second shop beside the first one, in the same account and region: deployed, used and deleted as `make` does it."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Final

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.support.client import Client
from tests.support.cloud import Cloud
from tools.local import bootstrap, sam, stack
from tools.local.places import architecture
from tools.local.shop import Shop
from tools.local.target import target
from tools.template import ROOT

OTHER: Final = target("prod")
_RELEASE: Final = f"""
import sys
from tools.local import cloud
from tools.local.target import target
from tools.progress import Problem, stop
parameters = dict(pair.split("=", 1) for pair in sys.argv[1:])
try:
    cloud.release(
        target("prod"), parameters,
        "--config-file", {str(ROOT / "samconfig.toml")!r},
        "--template-file", {str(sam.BUILD / "template.yaml")!r},
    )
except Problem as problem:
    sys.exit(stop(problem))
"""
_PARAMETERS: Final = (
    "Environment=prod",
    f"Architecture={architecture()}",
    "TracingMode=PassThrough",
    "SenderEmail=prod@shop.test",
    "AdminEmail=keeper@shop.test",
    "DomainName=api.shop.test",
    "CertificateArn=arn:aws:acm:eu-west-1:000000000000:certificate/of-the-domain",
    "BasePath=shop",
)


def run(shop: Shop, *command: str, answer: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (sys.executable, *command),
        env=shop.environment,
        cwd=ROOT,
        input=answer,
        capture_output=True,
        text=True,
        check=False,
    )


def release(shop: Shop, answer: str) -> subprocess.CompletedProcess[str]:
    """What `make deploy ENV=prod` does with what is built; prod's samconfig.toml makes SAM ask."""
    return run(shop, "-c", _RELEASE, *_PARAMETERS, answer=answer)


@pytest.fixture(scope="module")
def other(shop: Shop, cloud: Cloud) -> dict[str, str]:
    """The outputs of the second shop."""
    ended = release(shop, "y\n")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return stack.outputs(cloud.client("cloudformation"), OTHER.stack)


@pytest.fixture(scope="module")
def other_http(shop: Shop, other: dict[str, str]) -> Iterator[httpx.Client]:
    url = f"{shop.endpoint}/_aws/execute-api/{other['ApiId']}/{other['StageName']}"
    with httpx.Client(base_url=url, timeout=60) as client:
        yield client


def test_no_to_the_changes_deploys_nothing_and_fails(shop: Shop, cloud: Cloud) -> None:
    ended = release(shop, "n\n")
    assert ended.returncode == 1
    assert "The answer was no: nothing was deployed." in ended.stderr
    cloudformation = cloud.client("cloudformation")
    assert not stack.exists(cloudformation, OTHER.stack)


def test_both_answer_and_know_nothing_of_each_other(
    other_http: httpx.Client, http: httpx.Client
) -> None:
    here, there = Client(http).register(), Client(other_http).register()
    assert here.get("/api/v1/users/me").status_code == 200
    assert there.get("/api/v1/users/me").status_code == 200
    for token, client in ((here, other_http), (there, http)):
        answer = client.get("/api/v1/users/me", headers={"Authorization": f"Bearer {token.token}"})
        assert answer.status_code == 401


def test_the_failures_of_one_do_not_fire_the_alarms_of_the_other(
    cloud: Cloud, other: dict[str, str]
) -> None:
    cloudwatch, lambda_ = cloud.client("cloudwatch"), cloud.client("lambda")
    counted_in = {
        variables["POWERTOOLS_METRICS_NAMESPACE"]
        for page in lambda_.get_paginator("list_functions").paginate()
        for function in page["Functions"]
        if function["FunctionName"].startswith(OTHER.stack)
        for variables in [function["Environment"]["Variables"]]
    }
    [namespace] = counted_in
    failures = {"MetricName": "LogInsFailed", "Value": 1000.0}
    service = [{"Name": "service", "Value": "users"}]
    cloudwatch.put_metric_data(
        Namespace=namespace, MetricData=[{**failures, "Dimensions": service}]
    )
    fired = [
        alarm["AlarmName"]
        for alarm in cloudwatch.describe_alarms(StateValue="ALARM")["MetricAlarms"]
        if alarm["MetricName"] == failures["MetricName"]
    ]
    assert len(fired) == 1
    assert fired[0].startswith(OTHER.stack)


def test_a_domain_of_its_own_leads_to_its_stage(cloud: Cloud, other: dict[str, str]) -> None:
    gateway = cloud.client("apigateway")
    mapping = gateway.get_base_path_mapping(domainName="api.shop.test", basePath="shop")
    assert (mapping["restApiId"], mapping["stage"]) == (other["ApiId"], other["StageName"])
    domain = gateway.get_domain_name(domainName="api.shop.test")
    assert domain["securityPolicy"] == "TLS_1_2"
    assert domain["regionalDomainName"] == other["DomainTarget"]


def test_the_account_is_not_taken_from_under_them(cloud: Cloud, other: dict[str, str]) -> None:
    with pytest.raises(ClientError, match="is imported by"):
        cloud.client("cloudformation").delete_stack(StackName=bootstrap.STACK)


def test_the_other_is_deleted_alone(
    shop: Shop, cloud: Cloud, other: dict[str, str], http: httpx.Client
) -> None:
    ended = run(shop, "-m", "tools.local", "destroy", "prod", "--yes")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    cloudformation = cloud.client("cloudformation")
    assert not stack.exists(cloudformation, OTHER.stack)
    # What it had stored stays; the first shop is as it was.
    assert other["UsersTableName"] in ended.stdout
    assert cloud.client("dynamodb").describe_table(TableName=other["UsersTableName"])
    assert Client(http).register().get("/api/v1/users/me").status_code == 200
    assert cloud.client("apigateway").get_account()["cloudwatchRoleArn"]
