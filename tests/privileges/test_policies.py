"""A grant that no request needs is found."""

from tests.support.policies import Request, statements

TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/UsersTable"


def test_unused_names_the_actions_and_values_that_no_request_needs() -> None:
    keys = {"ForAllValues:StringLike": {"dynamodb:LeadingKeys": ["USER#*", "EMAIL#*"]}}
    grant = {
        "Effect": "Allow",
        "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
        "Resource": TABLE,
        "Condition": keys,
    }
    [statement] = statements({"Statement": grant})
    used = [Request("dynamodb:GetItem", TABLE, {"dynamodb:LeadingKeys": ("USER#1",)})]
    assert list(statement.unused(used)) == [
        f"dynamodb:GetItem on {TABLE}, dynamodb:LeadingKeys EMAIL#*",
        f"dynamodb:PutItem on {TABLE}",
    ]
