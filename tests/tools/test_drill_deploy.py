"""`make drill-deploy`: the stand-in for CodeDeploy shifts an alias, and goes back on an alarm."""

import json
from typing import Any, cast

import httpx
import pytest

from tools.drill_deploy.codedeploy import CodeDeploy, Deployment, HookApi, Step, steps_of
from tools.drill_deploy.load import Seen, p99, share_of_failed

DEPLOYMENT = Deployment("bodega-ProductsApi-1", "live", "1", "2")


class FakeLambda:
    """Remembers where the alias has led."""

    def __init__(self) -> None:
        self.led: list[tuple[str, dict[str, float]]] = []

    def update_alias(self, **wanted: Any) -> None:
        assert (wanted["FunctionName"], wanted["Name"]) == ("bodega-ProductsApi-1", "live")
        weights = wanted["RoutingConfig"]["AdditionalVersionWeights"]
        self.led.append((wanted["FunctionVersion"], weights))


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("AllAtOnce", ()),
        ("Canary10Percent5Minutes", (Step(0.1, 300),)),
        ("Linear10PercentEvery1Minute", tuple(Step(n / 10, 60) for n in range(1, 10))),
    ],
)
def test_steps_are_those_of_the_name(name: str, steps: tuple[Step, ...]) -> None:
    assert steps_of(name) == steps


def test_alias_leads_to_the_new_version_after_all_steps() -> None:
    lambda_ = FakeLambda()
    codedeploy = CodeDeploy(cast("Any", lambda_), lambda: ())
    assert codedeploy.shift(DEPLOYMENT, (Step(0.1, 0), Step(0.5, 0)), pause=lambda _: None) == ()
    assert lambda_.led == [("1", {"2": 0.1}), ("1", {"2": 0.5}), ("2", {})]


def test_alias_goes_back_when_an_alarm_rings() -> None:
    lambda_, looks = FakeLambda(), iter([(), (), ("DeploymentFailuresAlarm",)])
    codedeploy = CodeDeploy(cast("Any", lambda_), lambda: next(looks))
    rang = codedeploy.shift(DEPLOYMENT, (Step(0.1, 60),), pause=lambda _: None)
    assert rang == ("DeploymentFailuresAlarm",)
    assert lambda_.led == [("1", {"2": 0.1}), ("1", {})]


def test_hook_gets_the_function_and_its_new_version_and_reports() -> None:
    api = HookApi(DEPLOYMENT)
    with api.served() as url:

        def ask(operation: str, **request: object) -> dict[str, Any]:
            headers = {"X-Amz-Target": f"CodeDeploy_20141006.{operation}"}
            answer = httpx.post(url, headers=headers, content=json.dumps(request))
            return dict(answer.json())

        [target] = ask("ListDeploymentTargets", deploymentId="d-1")["targetIds"]
        found = ask("BatchGetDeploymentTargets", deploymentId="d-1", targetIds=[target])
        info = found["deploymentTargets"][0]["lambdaTarget"]["lambdaFunctionInfo"]
        assert (info["functionName"], info["targetVersion"]) == ("bodega-ProductsApi-1", "2")
        assert api.status is None
        report = {"lifecycleEventHookExecutionId": "1", "status": "Failed"}
        ask("PutLifecycleEventHookExecutionStatus", **report)
        assert api.status == "Failed"


def test_measures_are_the_share_of_failed_requests_and_the_slowest_hundredth() -> None:
    seen = [Seen(0, float(number), failed=number % 50 == 0) for number in range(1, 101)]
    assert share_of_failed(seen) == 0.02
    assert p99(seen) == 99.0
