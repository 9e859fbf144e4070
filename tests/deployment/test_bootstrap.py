"""What an account needs before its first shop: `make bootstrap` makes it, and `make deploy`
requires it."""

import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from tests.support.emulator import empty_account
from tools.local import bootstrap, stack
from tools.local.places import aws_environment
from tools.template import ROOT

ADDRESSES = (
    "SenderEmail=shop@shop.test",
    "AdminEmail=keeper@shop.test",
    "ShopUrl=https://shop.test",
)


class Account:
    """An empty account in the emulator."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.cloudformation = stack.cloudformation_of(endpoint)

    def client(self, service: Any) -> Any:
        return stack.session().client(service, endpoint_url=self.endpoint)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """A command of tools.local, as make runs it."""
        return subprocess.run(
            (sys.executable, "-m", "tools.local", *arguments),
            cwd=ROOT,
            env=aws_environment(self.endpoint),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def bootstrapped(self, **parameters: str) -> Mapping[str, str]:
        """The outputs of the stack, once it has those parameters."""
        bootstrap.deploy(self.cloudformation, parameters, poll=0.05)
        return stack.outputs(self.cloudformation, bootstrap.STACK)

    def identities(self) -> set[str]:
        listed = self.client("sesv2").list_email_identities()["EmailIdentities"]
        return {identity["IdentityName"] for identity in listed}

    def own_identities(self) -> set[str]:
        """Those of the stack."""
        [made] = self.cloudformation.describe_stacks(StackName=bootstrap.STACK)["Stacks"]
        values = {one["ParameterKey"]: one["ParameterValue"] for one in made["Parameters"]}
        return {values["SenderEmail"], values["SenderDomain"]} - {""}


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with empty_account(tmp_path_factory.mktemp("account")) as endpoint:
        yield endpoint


@pytest.fixture
def account(endpoint: str) -> Account:
    httpx.post(f"{endpoint}/_ministack/reset").raise_for_status()
    return Account(endpoint)


def test_bootstrap_changes_only_what_is_given(account: Account) -> None:
    sender = bootstrap.sender("shop@shop.test")
    role = account.bootstrapped(**sender)["ApiLogsRole"]
    assert account.client("apigateway").get_account()["cloudwatchRoleArn"] == role
    assert account.identities() == {"shop@shop.test"}

    assert account.bootstrapped(**sender)["ApiLogsRole"] == role
    # The emulator cannot make an identity provider.
    of_github = account.bootstrapped(GitHubRepository="owner/shop", GitHubProvider="existing")
    assert of_github["ApiLogsRole"] == role
    assert "PullRequestRole" in of_github
    assert account.identities() == {"shop@shop.test"}

    assert "PullRequestRole" in account.bootstrapped(**bootstrap.sender("other@shop.test"))
    # Deployed shops still send as the first.
    assert account.identities() == {"shop@shop.test", "other@shop.test"}
    assert account.bootstrapped(SenderEmail="")["ApiLogsRole"] == role
    assert account.identities() == {"shop@shop.test", "other@shop.test"}


def test_sender_is_an_address_or_a_domain() -> None:
    assert bootstrap.sender("a@shop.test") == {"SenderEmail": "a@shop.test", "SenderDomain": ""}
    assert bootstrap.sender("shop.test") == {"SenderEmail": "", "SenderDomain": "shop.test"}
    assert bootstrap.sender("") == {}


def test_deploy_requires_bootstrap_and_a_sender_that_ses_knows(
    account: Account,
) -> None:
    deploy = ("deploy", "dev", "--parameters", " ".join(ADDRESSES))
    ended = account.run(*deploy)
    assert ended.returncode == 1
    assert "`make bootstrap ENV=dev` does it, once for all shops there." in ended.stderr

    account.bootstrapped(**bootstrap.sender("other@shop.test"))
    ended = account.run(*deploy)
    assert ended.returncode == 1
    assert "`make bootstrap ENV=dev SENDER=shop@shop.test`" in ended.stderr


def test_bootstrap_leaves_identities_that_exist(account: Account) -> None:
    account.client("sesv2").create_email_identity(EmailIdentity="shop@shop.test")
    ended = account.run("bootstrap", "dev", "--sender", "shop@shop.test")
    assert ended.returncode == 0, ended.stderr
    assert "SES in eu-west-1 knows shop@shop.test already." in ended.stdout
    assert "ApiLogsRole" in ended.stdout
    assert account.own_identities() == set()
    # The last one is an identity that the stack itself left. Without a sender, nothing changes.
    for sender in ("a@shop.test", "b@shop.test", "a@shop.test", ""):
        assert account.run("bootstrap", "dev", "--sender", sender).returncode == 0
    assert account.own_identities() == {"b@shop.test"}


def test_destroy_of_a_missing_shop_succeeds(account: Account) -> None:
    ended = account.run("destroy", "dev", "--stack", "bodega-pr-7", "--yes", "--with-data")
    assert ended.returncode == 0
    assert ended.stdout.endswith("\nThere is no stack bodega-pr-7 in eu-west-1.\n")
