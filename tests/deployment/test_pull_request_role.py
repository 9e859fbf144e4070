"""GitHub's role may do what CloudFormation says it needs for each resource of a shop, and act on no other stack's."""

from fnmatch import fnmatchcase
from typing import Any, Final

from tests.deployment import plans
from tools.intrinsics import resolve
from tools.template import ROOT, read

# What CloudFormation calls only for what no shop has.
UNUSED: Final = {
    "codedeploy:*": "aliases move at once",
    "ec2:*": "functions are in no network",
    "elasticfilesystem:*": "functions have no file systems",
    "s3files:*": "nor these",
    "firehose:*": "log groups deliver to nobody",
    "kinesis:*": "tables have streams of their own",
    "s3:REST.PUT.OBJECT": "log groups deliver to nobody",
    "s3:GetObjectMetadata": "tables are not imported from S3",
    "s3:GetObjectVersion": "packages have no versions",
    "apigateway:UpdateRestApiPolicy": "the API has no policy of its own",
    "kms:CreateGrant": "what is encrypted is so with keys that AWS manages",
    "kms:RevokeGrant": "the same",
    "kms:Encrypt": "the same",
    "kms:Decrypt": "the same",
    "kms:GenerateDataKey": "the same",
    "kms:ListAliases": "the same",
    "kms:EnableKey": "keys are made enabled",
    "kms:DisableKey": "the same",
    "kms:EnableKeyRotation": "KMS rotates symmetric encryption keys only",
    "kms:DisableKeyRotation": "the same",
}


# What IAM does not compare with a named resource: "Actions, resources, and condition keys for Amazon SNS", and AccessDenied
# messages of CloudWatch, which name `alarm:*`.
ON_EVERYTHING: Final = {
    "cloudwatch:DescribeAlarms",
    "logs:DescribeLogGroups",
    "sns:GetSubscriptionAttributes",
    "sns:SetSubscriptionAttributes",
    "sns:Unsubscribe",
}


def _statements() -> list[dict[str, Any]]:
    role = read(ROOT / "bootstrap.yaml")["Resources"]["PullRequestRole"]["Properties"]
    resolved = resolve(role["Policies"], ref=str, attribute=str)
    return [s for policy in resolved for s in policy["PolicyDocument"]["Statement"]]


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


def _matches(action: str, patterns: Any) -> bool:
    return any(fnmatchcase(action.lower(), pattern.lower()) for pattern in patterns)


def test_it_may_do_what_each_resource_needs() -> None:
    allowed = {action for statement in _statements() for action in _listed(statement["Action"])}
    needed = {
        action
        for resource in plans.of_shop(plans.DEPLOYMENTS["dev"]).values()
        for handler, does in plans.schema_of(resource.type).get("handlers", {}).items()
        if handler != "list"
        for action in does["permissions"]
    }
    missing = {action for action in needed if not _matches(action, {*allowed, *UNUSED})}
    assert len(needed) > 100
    assert not missing
    # Each exception is one.
    for pattern in UNUSED:
        assert [action for action in needed if _matches(action, [pattern])], pattern
        assert not _matches(pattern, allowed), pattern


def test_what_has_a_name_is_that_of_a_pull_request() -> None:
    for statement in _statements():
        for resource in _listed(statement["Resource"]):
            service = resource.split(":")[2] if resource.startswith("arn:") else ""
            if service in {
                "lambda",
                "dynamodb",
                "sqs",
                "sns",
                "events",
                "cloudwatch",
                "logs",
                "iam",
            }:
                assert ":event-source-mapping:" in resource or "bodega-pr-" in resource, resource


def test_it_may_do_on_everything_what_has_no_resource_and_reads_else() -> None:
    on_everything = {
        action
        for statement in _statements()
        if _listed(statement["Resource"]) == ["*"] and "Condition" not in statement
        for action in _listed(statement["Action"])
    }
    assert on_everything >= ON_EVERYTHING
    reads = ("Describe", "Get", "List")
    others = on_everything - ON_EVERYTHING
    assert all(action.partition(":")[2].startswith(reads) for action in others)


def test_it_is_taken_by_one_repository_in_one_environment() -> None:
    role = read(ROOT / "bootstrap.yaml")["Resources"]["PullRequestRole"]["Properties"]
    [trust] = role["AssumeRolePolicyDocument"]["Statement"]
    [(operator, claims)] = trust["Condition"].items()
    assert operator == "StringEquals"
    assert claims == {
        "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
        "token.actions.githubusercontent.com:sub": {
            "Fn::Sub": "repo:${GitHubRepository}:environment:pull-request"
        },
    }
