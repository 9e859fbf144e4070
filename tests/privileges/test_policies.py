"""The evaluator of the policies decides as AWS documents it."""

from typing import Any

import pytest

from tests.support.policies import Request, allows, statements

TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/UsersTable"


def policy(*given: dict[str, Any]) -> dict[str, Any]:
    whole = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": TABLE}
    return {"Version": "2012-10-17", "Statement": [whole | one for one in given]}


def may(
    *given: dict[str, Any],
    action: str = "dynamodb:GetItem",
    resource: str = TABLE,
    **context: Any,
) -> bool:
    asked = Request(action, resource, {f"dynamodb:{key}": value for key, value in context.items()})
    return allows(list(statements(policy(*given))), asked)


def given(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {"Condition": {operator: {f"dynamodb:{key}": list(values)}}}


def test_what_nothing_allows_is_denied() -> None:
    assert may({})
    assert not may()
    assert not may({}, action="dynamodb:PutItem")
    assert not may({}, resource=f"{TABLE}/index/by-creation")


def test_what_is_denied_is_not_allowed_whatever_else_is() -> None:
    assert not may({}, {"Effect": "Deny"})
    assert not may({"Effect": "Deny"}, {})
    assert may({}, {"Effect": "Deny", "Action": "dynamodb:PutItem"})


def test_actions_are_read_in_any_case_and_resources_in_theirs() -> None:
    assert may({"Action": "DynamoDB:getitem"})
    assert not may({"Resource": TABLE.replace("Users", "users")})


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("*", True),
        (f"{TABLE}*", True),
        (TABLE.replace("Users", "?sers"), True),
        (f"{TABLE}/index/*", False),
        (f"{TABLE}?", False),
        (TABLE.replace("/", "."), False),
    ],
)
def test_a_star_stands_for_anything_and_a_question_mark_for_one(pattern: str, fits: bool) -> None:
    assert may({"Resource": pattern}) == fits


def test_a_statement_may_be_about_all_resources_but_some() -> None:
    others = {"Effect": "Deny", "NotResource": [TABLE]}
    document = policy({"Resource": "*"}, others)
    del document["Statement"][1]["Resource"]
    parsed = list(statements(document))
    assert allows(parsed, Request("dynamodb:GetItem", TABLE))
    assert not allows(parsed, Request("dynamodb:GetItem", f"{TABLE}2"))


def test_all_conditions_must_hold_each_for_one_of_its_values() -> None:
    condition = {
        "StringEquals": {"dynamodb:Select": ["COUNT", "SPECIFIC_ATTRIBUTES"]},
        "StringLike": {"dynamodb:ReturnValues": "UPDATED_*"},
    }
    assert may({"Condition": condition}, Select="COUNT", ReturnValues="UPDATED_NEW")
    assert not may({"Condition": condition}, Select="COUNT", ReturnValues="ALL_NEW")
    assert not may({"Condition": condition}, Select="ALL_ATTRIBUTES", ReturnValues="UPDATED_NEW")


@pytest.mark.parametrize(
    ("operator", "holds"),
    [
        ("StringEquals", False),
        ("StringLike", False),
        ("Bool", False),
        ("StringNotEquals", True),
        ("StringEqualsIfExists", True),
        ("ForAnyValue:StringEquals", False),
        ("ForAnyValue:StringNotEquals", False),
        ("ForAnyValue:StringEqualsIfExists", False),
        # All of nothing: this is why such a condition never stands alone.
        ("ForAllValues:StringEquals", True),
    ],
)
def test_a_key_that_is_missing(operator: str, holds: bool) -> None:
    assert may(given(operator, "Attributes", "id")) == holds


def test_null_asks_whether_a_key_is_missing() -> None:
    there, missing = given("Null", "Attributes", "false"), given("Null", "Attributes", "true")
    assert may(there, Attributes=("id",))
    assert not may(there)
    assert may(missing)
    assert not may(missing, Attributes=("id",))


def test_if_exists_asks_of_a_key_that_is_there() -> None:
    condition = given("StringEqualsIfExists", "Select", "SPECIFIC_ATTRIBUTES")
    assert may(condition, Select="SPECIFIC_ATTRIBUTES")
    assert not may(condition, Select="ALL_ATTRIBUTES")


@pytest.mark.parametrize(
    ("operator", "values", "holds"),
    [
        ("ForAllValues:StringEquals", ("id",), True),
        ("ForAllValues:StringEquals", ("id", "email"), True),
        ("ForAllValues:StringEquals", ("id", "password_hash"), False),
        ("ForAnyValue:StringEquals", ("id", "password_hash"), True),
        ("ForAnyValue:StringEquals", ("password_hash",), False),
        ("ForAllValues:StringNotEquals", ("name",), True),
        ("ForAllValues:StringNotEquals", ("name", "id"), False),
        ("ForAllValues:StringLike", ("identity",), False),
        ("StringEquals", ("id",), False),
        ("StringNotEquals", ("name",), False),
    ],
)
def test_a_set_is_asked_for_all_or_for_any_of_its_values(
    operator: str, values: tuple[str, ...], holds: bool
) -> None:
    assert may(given(operator, "Attributes", "id", "email"), Attributes=values) == holds


def test_what_is_not_known_is_no_policy() -> None:
    unknown = given("NumericLessThan", "Limit", "5"), {"NotAction": "dynamodb:Scan"}
    for statement in unknown:
        with pytest.raises(ValueError, match=r"not known|not understood"):
            may(statement)


def test_of_a_grant_is_told_what_nobody_needs() -> None:
    [statement] = statements(
        policy(
            {
                "Action": ["dynamodb:GetItem", "dynamodb:PutItem"],
                **given("ForAllValues:StringLike", "LeadingKeys", "USER#*", "EMAIL#*"),
            }
        )
    )
    used = [
        Request("dynamodb:GetItem", TABLE, {"dynamodb:LeadingKeys": (key,)})
        for key in ("USER#1", "EMAIL#a", "FAMILY#1")
    ]
    assert list(statement.unused(used)) == [f"dynamodb:PutItem on {TABLE}"]
    assert list(statement.unused(used[:1])) == [
        f"dynamodb:GetItem on {TABLE}, dynamodb:LeadingKeys EMAIL#*",
        f"dynamodb:PutItem on {TABLE}",
    ]
