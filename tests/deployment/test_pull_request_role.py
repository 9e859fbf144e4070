"""GitHub's role may do what CloudFormation needs for each resource of a shop, and act on no other
stack's resources."""

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any, Final

import pytest

from tests.deployment import plans
from tools.intrinsics import resolve
from tools.template import ROOT, read

# Actions that AWS's schemas list, for features that no shop uses.
UNUSED: Final = {
    "ec2:*": "functions are in no network",
    "elasticfilesystem:*": "functions have no file systems",
    "s3files:*": "functions have no file systems",
    "firehose:*": "log groups have no delivery stream",
    "kinesis:*": "tables have streams of their own",
    "s3:REST.PUT.OBJECT": "log groups have no delivery stream",
    "s3:GetObjectMetadata": "tables are not imported from S3",
    "s3:GetObjectVersion": "packages have no versions",
    "apigateway:UpdateRestApiPolicy": "the API has no policy of its own",
    **dict.fromkeys(
        (
            *("kms:CreateGrant", "kms:RevokeGrant", "kms:Encrypt", "kms:Decrypt"),
            *("kms:GenerateDataKey", "kms:ListAliases"),
        ),
        "data are encrypted with keys that AWS manages",
    ),
    **dict.fromkeys(("kms:EnableKey", "kms:DisableKey"), "keys are made enabled"),
    **dict.fromkeys(
        ("kms:EnableKeyRotation", "kms:DisableKeyRotation"),
        "KMS rotates symmetric encryption keys only",
    ),
}
# Actions for which IAM knows no resource of a stack: "Actions, resources, and condition keys for
# Amazon SNS" and "… Amazon CloudWatch Logs", and AccessDenied messages of CloudWatch, which name
# `alarm:*`.
ON_EVERYTHING: Final = {
    "cloudwatch:DescribeAlarms",
    "logs:DeleteQueryDefinition",
    "logs:DescribeLogGroups",
    "logs:DescribeQueryDefinitions",
    "logs:PutQueryDefinition",
    "sns:GetSubscriptionAttributes",
    "sns:SetSubscriptionAttributes",
    "sns:Unsubscribe",
}
# Mappings have names that Lambda draws, and the steps of deployments are AWS's own.
OF_PULL_REQUESTS: Final = (":event-source-mapping:", "bodega-pr-", ":CodeDeployDefault.")
NAMED: Final = (
    *("lambda", "dynamodb", "sqs", "sns", "events", "cloudwatch", "logs", "iam"),
    *("codedeploy", "ssm"),
)


def _role() -> Any:
    return read(ROOT / "bootstrap.yaml")["Resources"]["PullRequestRole"]["Properties"]


def _statements() -> list[dict[str, Any]]:
    """The statements, with lists of actions and resources."""
    resolved = resolve(_role()["Policies"], ref=str, attribute=str)
    return [
        {key: [v] if isinstance(v, str) and key != "Effect" else v for key, v in statement.items()}
        for policy in resolved
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def _matches(action: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


def test_role_may_do_what_each_resource_needs() -> None:
    allowed = {action for statement in _statements() for action in statement["Action"]}
    needed = {
        action
        for resource in plans.of_shop(plans.DEPLOYMENTS["dev"]).values()
        for handler, does in plans.schema_of(resource.type).get("handlers", {}).items()
        if handler != "list"
        for action in does["permissions"]
    }
    assert len(needed) > 100
    assert not {action for action in needed if not _matches(action, {*allowed, *UNUSED})}
    for pattern in UNUSED:
        assert any(_matches(action, [pattern]) for action in needed), f"{pattern} is not needed"
        assert not _matches(pattern, allowed), f"{pattern} is allowed"


def test_role_may_use_the_templates_transforms() -> None:
    transforms = read(ROOT / "template.yaml")["Transform"]
    resources = {resource for statement in _statements() for resource in statement["Resource"]}
    for transform in transforms:
        name = transform.removeprefix("AWS::")
        assert f"arn:aws:cloudformation:eu-west-1:aws:transform/{name}" in resources


def test_role_acts_on_resources_of_pull_requests_only() -> None:
    for statement in _statements():
        for resource in statement["Resource"]:
            if resource.startswith("arn:") and resource.split(":")[2] in NAMED:
                assert any(part in resource for part in OF_PULL_REQUESTS), resource
    on_everything = {
        action
        for statement in _statements()
        if statement["Resource"] == ["*"] and "Condition" not in statement
        for action in statement["Action"]
    }
    assert on_everything >= ON_EVERYTHING
    reads = ("Describe", "Get", "List")
    others = on_everything - ON_EVERYTHING
    assert all(action.partition(":")[2].startswith(reads) for action in others)


def test_role_is_for_one_repository_and_environment() -> None:
    [trust] = _role()["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {
        "StringEquals": {
            "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
            "token.actions.githubusercontent.com:sub": {
                "Fn::Sub": "repo:${GitHubRepository}:environment:pull-request"
            },
        }
    }


@pytest.mark.parametrize(
    ("releases", "environments"),
    [("dev", {"dev"}), ("prod", {"prod"}), ("both", {"dev", "prod"})],
)
def test_release_role_is_for_the_named_environments_of_the_repository(
    releases: str, environments: set[str]
) -> None:
    bootstrap = read(ROOT / "bootstrap.yaml")
    role = bootstrap["Resources"]["ReleaseRole"]
    assert role["Condition"] == "HasReleases"
    [trust] = role["Properties"]["AssumeRolePolicyDocument"]["Statement"]
    trusted = trust["Condition"]["StringEquals"]
    assert trusted["token.actions.githubusercontent.com:aud"] == "sts.amazonaws.com"
    found = set()
    for subject in trusted["token.actions.githubusercontent.com:sub"]:
        [text, values] = subject["Fn::Sub"]
        assert text == "repo:${GitHubRepository}:environment:${Name}"
        [mapping, row, column] = values["Name"]["Fn::FindInMap"]
        assert row == {"Ref": "Releases"}
        found.add(bootstrap["Mappings"][mapping][releases][column])
    assert found == environments
