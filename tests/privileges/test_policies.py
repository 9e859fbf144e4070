"""Our evaluator of policies decides as AWS documents it, where the template's policies and
iam-simulate do not show it."""

from typing import Any

import pytest

from tests.support.policies import Request, allows, statements

TABLE = "arn:aws:dynamodb:eu-west-1:123456789012:table/UsersTable"
SET = ("id", "email")


def may(given: dict[str, Any], **context: Any) -> bool:
    statement = {"Effect": "Allow", "Action": "dynamodb:GetItem", "Resource": TABLE, **given}
    asked = Request(
        "dynamodb:GetItem", TABLE, {f"dynamodb:{key}": value for key, value in context.items()}
    )
    return allows(list(statements({"Statement": [statement]})), asked)


def given(operator: str, key: str, *values: str) -> dict[str, Any]:
    return {"Condition": {operator: {f"dynamodb:{key}": list(values)}}}


@pytest.mark.parametrize(
    ("statement", "is_allowed"),
    [
        ({}, True),
        ({"Effect": "Deny"}, False),
        ({"Action": "DynamoDB:getitem"}, True),
        ({"Action": "dynamodb:PutItem"}, False),
        ({"Resource": TABLE.replace("Users", "users")}, False),
        ({"Resource": f"{TABLE}*"}, True),
        ({"Resource": TABLE.replace("Users", "?sers")}, True),
        ({"Resource": f"{TABLE}?"}, False),
        ({"Resource": TABLE.replace("/", ".")}, False),
    ],
)
def test_statement_applies_to_its_actions_and_resources(
    statement: dict[str, Any], is_allowed: bool
) -> None:
    assert may(statement) == is_allowed


@pytest.mark.parametrize(
    ("operator", "values", "holds"),
    [
        ("StringEquals", None, False),
        ("StringNotEquals", None, True),
        ("StringEqualsIfExists", None, True),
        ("ForAnyValue:StringEquals", None, False),
        ("ForAnyValue:StringNotEquals", None, False),
        ("ForAnyValue:StringEqualsIfExists", None, False),
        # Such a condition never stands alone.
        ("ForAllValues:StringEquals", None, True),
        ("ForAllValues:StringEquals", SET, True),
        ("ForAllValues:StringEquals", ("id", "password_hash"), False),
        ("ForAnyValue:StringEquals", ("id", "password_hash"), True),
        ("ForAnyValue:StringEquals", ("password_hash",), False),
        ("ForAllValues:StringNotEquals", ("name", "id"), False),
        ("ForAllValues:StringLike", ("identity",), False),
        # Several values need a quantifier.
        ("StringEquals", ("id",), False),
        ("StringNotEquals", ("name",), False),
    ],
)
def test_condition_holds_for_a_set_of_values(
    operator: str, values: tuple[str, ...] | None, holds: bool
) -> None:
    context = {} if values is None else {"Attributes": values}
    assert may(given(operator, "Attributes", *SET), **context) == holds


def test_null_asks_whether_a_key_is_missing() -> None:
    for wanted, is_missing in (("false", False), ("true", True)):
        assert may(given("Null", "Attributes", wanted), Attributes=("id",)) != is_missing
        assert may(given("Null", "Attributes", wanted)) == is_missing


def test_unknown_elements_and_operators_are_refused() -> None:
    for statement in (given("NumericLessThan", "Limit", "5"), {"NotAction": "dynamodb:Scan"}):
        with pytest.raises(ValueError, match=r"not known|not understood"):
            may(statement)


def test_unused_names_the_values_that_no_request_needs() -> None:
    keys = given("ForAllValues:StringLike", "LeadingKeys", "USER#*", "EMAIL#*")
    grant = {"Effect": "Allow", "Action": ["dynamodb:GetItem", "dynamodb:PutItem"], **keys}
    [statement] = statements({"Statement": {**grant, "Resource": TABLE}})
    used = [Request("dynamodb:GetItem", TABLE, {"dynamodb:LeadingKeys": ("USER#1",)})]
    assert list(statement.unused(used)) == [
        f"dynamodb:GetItem on {TABLE}, dynamodb:LeadingKeys EMAIL#*",
        f"dynamodb:PutItem on {TABLE}",
    ]
