"""New versions get requests in steps, watched by alarms, after the hook has tried them."""

from typing import Any, Final

import pytest

from tests.deployment import plans
from tests.deployment.plans import Plan
from tests.support.functions import FUNCTIONS
from tools.intrinsics import is_made, meets_condition
from tools.template import template

HOOK: Final = "OperationsPreTraffic"
# Functions whose aliases move at once.
UNTRIED: Final = {HOOK, "OperationsReconciler"}
DEPLOYED: Final = [name for name, function in FUNCTIONS.items() if function.is_tried]
each_function = pytest.mark.parametrize("function", DEPLOYED)
# The API's 5xx alarm has its errors; an alarm on its version would need another condition.
BEHIND_THE_API: Final = {"OrdersWebhooks"}
GRADUAL: Final = {"Environment": "prod", "PaymentProvider": "stripe"}
AT_ONCE: Final = {"Environment": "dev", "PaymentProvider": "stripe"}


def _group(plan: Plan, function: str) -> dict[str, Any]:
    return dict(plan[f"{function}DeploymentGroup"].properties)


@pytest.mark.parametrize(
    ("parameters", "steps"),
    [
        ({"Environment": "dev"}, "AllAtOnce"),
        ({"Environment": "prod"}, "Canary10Percent5Minutes"),
        ({"Environment": "prod", "Deployments": "AllAtOnce"}, "AllAtOnce"),
        (
            {"Environment": "dev", "Deployments": "Linear10PercentEvery1Minute"},
            "Linear10PercentEvery1Minute",
        ),
    ],
)
def test_deployment_takes_the_steps_of_the_parameter_and_alarms_watch_steps(
    parameters: dict[str, str], steps: str
) -> None:
    plan = plans.of_shop(parameters)
    groups = [
        group.properties for _, group in plans.of_type(plan, "AWS::CodeDeploy::DeploymentGroup")
    ]
    assert {one["DeploymentConfigName"] for one in groups} == {f"CodeDeployDefault.Lambda{steps}"}
    watched = {one["AlarmConfiguration"].get("Enabled", False) for one in groups}
    assert watched == {steps != "AllAtOnce"}
    alarms = {
        name
        for name, resource in template()["Resources"].items()
        if resource.get("Condition") == "IsGradual" and meets_condition(resource, parameters)
    }
    assert bool(alarms) == (steps != "AllAtOnce")


@each_function
def test_alias_moves_by_codedeploy_after_the_hook_has_tried_the_version(function: str) -> None:
    for parameters in (GRADUAL, AT_ONCE):
        plan = plans.of_shop(parameters)
        update = plan[f"{function}Aliaslive"].update_policy["CodeDeployLambdaAliasUpdate"]
        assert update == {
            "ApplicationName": "bodega/ServerlessDeploymentApplication",
            "DeploymentGroupName": f"bodega/{function}DeploymentGroup",
            "BeforeAllowTrafficHook": f"bodega/{HOOK}",
        }
        group = _group(plan, function)
        assert group["ServiceRoleArn"] == "bodega/DeploymentRole.Arn"
        assert group["AutoRollbackConfiguration"]["Enabled"] is True
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]


@each_function
def test_new_version_is_watched_by_its_own_errors_and_by_the_api(function: str) -> None:
    plan = plans.of_shop(GRADUAL)
    alarms = {
        alarm["Name"].removeprefix("bodega/")
        for alarm in _group(plan, function)["AlarmConfiguration"]["Alarms"]
    }
    own = set() if function in BEHIND_THE_API else {f"{function}NewVersionAlarm"}
    assert alarms == own | {"DeploymentFailuresAlarm", "DeploymentLatencyAlarm"}
    for name in own:
        # "Types of metrics for Lambda functions": those of one version that an alias names.
        dimensions = {one["Name"]: one["Value"] for one in plan[name].properties["Dimensions"]}
        version = dimensions.pop("ExecutedVersion")
        assert dimensions == {
            "FunctionName": f"bodega/{function}",
            "Resource": f"bodega/{function}:live",
        }
        assert version == plan[f"{function}Aliaslive"].properties["FunctionVersion"]


@each_function
def test_event_source_invokes_the_alias(function: str) -> None:
    plan = plans.of_shop(GRADUAL)
    alias = f"bodega/{function}Aliaslive"
    sources = FUNCTIONS[function].properties.get("Events", {})
    for name, source in sources.items():
        made = plan.get(f"{function}{name}")
        if source["Type"] == "Schedule":
            assert made
            [target] = made.properties["Targets"]
            assert target["Arn"] == alias
        elif source["Type"] in ("SQS", "DynamoDB"):
            assert made
            assert made.properties["FunctionName"] == alias


def test_hook_has_no_deployment_of_its_own_and_first_deployments_none() -> None:
    plan = plans.of_shop(GRADUAL)
    assert FUNCTIONS.keys() - {*DEPLOYED} == UNTRIED
    for function in UNTRIED:
        assert not plan[f"{function}Aliaslive"].update_policy
        assert f"{function}DeploymentGroup" not in plan
    # CloudFormation makes an alias by itself; its policy is for updates.
    assert all("UpdatePolicy" not in resource.properties for resource in plan.values())
    applications = list(plans.of_type(plan, "AWS::CodeDeploy::Application"))
    assert len(applications) == 1


def test_codedeploy_may_move_the_shops_aliases_and_call_the_hook_only() -> None:
    role = plans.of_shop(GRADUAL)["DeploymentRole"].properties
    [policy] = role["Policies"]
    allowed = {
        action: statement["Resource"]
        for statement in policy["PolicyDocument"]["Statement"]
        for action in (
            [statement["Action"]] if isinstance(statement["Action"], str) else statement["Action"]
        )
    }
    functions = "arn:aws:lambda:eu-west-1:123456789012:function:bodega-*"
    assert allowed == {
        "lambda:GetAlias": functions,
        "lambda:GetProvisionedConcurrencyConfig": functions,
        "lambda:UpdateAlias": functions,
        "lambda:InvokeFunction": f"bodega/{HOOK}.Arn",
        "cloudwatch:DescribeAlarms": "*",
    }


def test_idle_shop_of_dev_pays_for_no_alarm_of_deployments() -> None:
    conditional = [
        name
        for name, resource in template()["Resources"].items()
        if resource.get("Condition") == "IsGradual"
    ]
    assert len(conditional) == len(DEPLOYED) - len(BEHIND_THE_API) + 2
    assert not any(map(is_made, conditional))
