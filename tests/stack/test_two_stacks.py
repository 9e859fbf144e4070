"""A second shop in the same account and region: deployed, used and deleted as `make` does it."""

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

pytestmark = pytest.mark.torture

OTHER: Final = target("prod")
_RELEASE: Final = f"""
import sys
from tools.local import cloud
from tools.local.target import target
from tools.progress import exit_code
parameters = dict(pair.split("=", 1) for pair in sys.argv[1:])
sys.exit(exit_code(lambda: cloud.release(
    target("prod"), parameters,
    "--config-file", {str(ROOT / "samconfig.toml")!r},
    "--template-file", {str(sam.BUILD / "template.yaml")!r},
)))
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
    """What `make deploy ENV=prod` does with the built template; prod's settings make SAM ask."""
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


def test_declined_changes_deploy_nothing(shop: Shop, cloud: Cloud) -> None:
    ended = release(shop, "n\n")
    assert ended.returncode == 1
    assert "The answer was no: nothing was deployed." in ended.stderr
    assert not stack.exists(cloud.client("cloudformation"), OTHER.stack)


def test_shops_refuse_the_tokens_of_each_other(
    other_http: httpx.Client, http: httpx.Client
) -> None:
    clients = Client(http).register(), Client(other_http).register()
    for client, foreign in (clients, clients[::-1]):
        assert client.get("/api/v1/users/me").status_code == 200
        answer = Client(foreign.http, client.token).get("/api/v1/users/me")
        assert answer.status_code == 401


def test_domain_leads_to_the_shops_stage(cloud: Cloud, other: dict[str, str]) -> None:
    gateway = cloud.client("apigateway")
    mapping = gateway.get_base_path_mapping(domainName="api.shop.test", basePath="shop")
    assert (mapping["restApiId"], mapping["stage"]) == (other["ApiId"], other["StageName"])
    domain = gateway.get_domain_name(domainName="api.shop.test")
    assert domain["securityPolicy"] == "TLS_1_2"
    assert domain["regionalDomainName"] == other["DomainTarget"]


def test_one_shop_is_deleted_alone(
    shop: Shop, cloud: Cloud, other: dict[str, str], http: httpx.Client
) -> None:
    cloudformation = cloud.client("cloudformation")
    with pytest.raises(ClientError, match="is imported by"):
        cloudformation.delete_stack(StackName=bootstrap.STACK)
    ended = run(shop, "-m", "tools.local", "destroy", "prod", "--yes")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert not stack.exists(cloudformation, OTHER.stack)
    # Its data stay, and the first shop works.
    assert other["UsersTableName"] in ended.stdout
    assert cloud.client("dynamodb").describe_table(TableName=other["UsersTableName"])
    assert Client(http).register().get("/api/v1/users/me").status_code == 200
    assert cloud.client("apigateway").get_account()["cloudwatchRoleArn"]
