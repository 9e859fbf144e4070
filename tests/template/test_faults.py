"""Faults on purpose: where the parameter Faults is off, nothing of them is deployed."""

import json
from typing import Any

import pytest

from tests.deployment import plans
from tests.support.functions import FUNCTIONS
from tools.local import sam

_ON = {"Environment": "dev", "Faults": "on", "PaymentProvider": "stripe"}


def test_shop_without_faults_has_no_trace_of_them() -> None:
    assert sam.parameters("prod")["Faults"] == "off"
    plan = plans.of_shop(sam.parameters("prod"))
    deployed = {name: one.properties for name, one in plan.items()}
    assert "SharedLayer" in json.dumps(deployed)
    assert "faults" not in json.dumps(deployed).lower()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_shop_with_faults_lets_each_function_read_its_parameter_and_no_other(function: str) -> None:
    plan = plans.of_shop(_ON)
    properties: Any = plan[function].properties
    assert [layer.rstrip("0123456789abcdef") for layer in properties["Layers"]] == [
        "bodega/SharedLayer",
        "bodega/FaultsLayer",
    ]
    assert properties["Environment"]["Variables"]["FAULTS"] == "bodega/FaultsParameter"
    policies = plan[f"{function}Role"].properties["Policies"]
    [statement] = [
        one
        for policy in policies
        for one in policy["PolicyDocument"]["Statement"]
        if one["Effect"] == "Allow"
        and one["Action"] == "ssm:GetParameter"
        and "Faults" in str(one["Resource"])
    ]
    place = "arn:aws:ssm:eu-west-1:123456789012:parameter"
    assert statement["Resource"] == f"{place}bodega/FaultsParameter"
    # `Ref` gives its name.
    assert plan["FaultsParameter"].properties["Name"] == "/bodega/bodega/faults"
