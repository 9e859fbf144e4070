"""Lambda entry for CodeDeploy: tries a new version of a function before it gets requests."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from operations.trials import trial_of
from shared.runtime import logging
from shared.runtime.aws import client
from shared.runtime.entry import Entry, Handler

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient


@dataclass(frozen=True)
class Settings:
    """The function's settings.

    Attributes:
        stack: the name of the shop's stack, with which CloudFormation begins functions' names.
    """

    stack: str


class CodeDeploy(Protocol):
    """What the function needs of CodeDeploy's client."""

    def list_deployment_targets(self, *, deploymentId: str) -> dict[str, Any]: ...  # noqa: N803

    def batch_get_deployment_targets(
        self,
        *,
        deploymentId: str,  # noqa: N803
        targetIds: list[str],  # noqa: N803
    ) -> dict[str, Any]: ...

    def put_lifecycle_event_hook_execution_status(
        self,
        *,
        deploymentId: str,  # noqa: N803
        lifecycleEventHookExecutionId: str,  # noqa: N803
        status: str,
    ) -> dict[str, Any]: ...


class PreTraffic:
    """Tries the version that a deployment is about, and reports to CodeDeploy."""

    def __init__(self, codedeploy: CodeDeploy, lambda_: "LambdaClient", stack: str) -> None:
        self._codedeploy = codedeploy
        self._lambda = lambda_
        self._stack = stack

    def run(self, deployment: str, execution: str) -> str:
        """Return the status that it has reported."""
        try:
            status = "Succeeded" if self._works(deployment) else "Failed"
        except Exception:  # noqa: BLE001  # CodeDeploy waits an hour for a hook that reports nothing
            logging.logger().exception("could not try the new version of %s", deployment)
            status = "Failed"
        self._codedeploy.put_lifecycle_event_hook_execution_status(
            deploymentId=deployment, lifecycleEventHookExecutionId=execution, status=status
        )
        return status

    def _works(self, deployment: str) -> bool:
        function, version = self._target(deployment)
        trial = trial_of(function.removeprefix(f"{self._stack}-").partition("-")[0])
        response = self._lambda.invoke(
            FunctionName=f"{function}:{version}", Payload=json.dumps(trial.event).encode()
        )
        answer = json.loads(response["Payload"].read())
        works = "FunctionError" not in response and trial.is_passed_by(answer)
        verdict = "works" if works else "does not work"
        logging.logger().info("version %s of %s %s", version, function, verdict)
        return works

    def _target(self, deployment: str) -> tuple[str, str]:
        """The function that is deployed, and its new version."""
        targets = self._codedeploy.list_deployment_targets(deploymentId=deployment)
        [found] = self._codedeploy.batch_get_deployment_targets(
            deploymentId=deployment, targetIds=targets["targetIds"]
        )["deploymentTargets"]
        info = found["lambdaTarget"]["lambdaFunctionInfo"]
        return info["functionName"], info["targetVersion"]


def build(settings: Settings) -> Handler:
    """Wire the function."""
    # A sweeper may take a minute; a second attempt would not fit.
    lambda_ = client("lambda", read=65.0, attempts=1)
    pre_traffic = PreTraffic(client("codedeploy"), lambda_, settings.stack)

    def handle(event: dict[str, Any], _context: Any) -> dict[str, str]:
        logging.begin(event["DeploymentId"])
        status = pre_traffic.run(event["DeploymentId"], event["LifecycleEventHookExecutionId"])
        return {"status": status}

    return handle


handler = Entry(build, Settings)
