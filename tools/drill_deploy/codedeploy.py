"""What CodeDeploy does for an alias of a function, in its place: it asks the hook, shifts the
alias's weights step by step, looks at the alarms, and goes back.

Sources: "Deployments on an AWS Lambda compute platform", "Monitoring deployments with CloudWatch
alarms in CodeDeploy".
"""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from tools.local.places import HOST

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_CANARY: Final = re.compile(r"Canary(\d+)Percent(\d+)Minutes")
_LINEAR: Final = re.compile(r"Linear(\d+)PercentEvery(\d+)Minutes?")
_LOOK_SECONDS: Final = 1.0


@dataclass(frozen=True)
class Step:
    """A share of the requests, and how long the new version gets it."""

    share: float
    seconds: float


@dataclass(frozen=True)
class Deployment:
    """One function's.

    Attributes:
        function: its name.
        current: the version that the alias leads to.
        target: the new one.
    """

    function: str
    alias: str
    current: str
    target: str


def steps_of(name: str) -> tuple[Step, ...]:
    """The steps before all requests go to the new version; none for AllAtOnce."""
    if canary := _CANARY.fullmatch(name):
        return (Step(int(canary[1]) / 100, int(canary[2]) * 60),)
    if linear := _LINEAR.fullmatch(name):
        percent, seconds = int(linear[1]), int(linear[2]) * 60
        return tuple(Step(share / 100, seconds) for share in range(percent, 100, percent))
    return ()


class CodeDeploy:
    """Deploys to aliases.

    Args:
        ringing: which of the alarms ring.
    """

    def __init__(self, lambda_: "LambdaClient", ringing: Callable[[], Sequence[str]]) -> None:
        self._lambda = lambda_
        self._ringing = ringing

    def shift(
        self, deployment: Deployment, steps: Sequence[Step], *, pause: Callable[[float], None]
    ) -> Sequence[str]:
        """Lead the alias to the new version; or back, when alarms ring: those are returned."""
        for step in steps:
            self._lead(deployment, deployment.current, {deployment.target: step.share})
            ends_at = time.monotonic() + step.seconds
            while time.monotonic() < ends_at:
                if ringing := self._ringing():
                    self._lead(deployment, deployment.current, {})
                    return ringing
                pause(_LOOK_SECONDS)
        self._lead(deployment, deployment.target, {})
        return ()

    def _lead(self, deployment: Deployment, version: str, weights: dict[str, float]) -> None:
        self._lambda.update_alias(
            FunctionName=deployment.function,
            Name=deployment.alias,
            FunctionVersion=version,
            RoutingConfig={"AdditionalVersionWeights": weights},
        )


class HookApi:
    """The part of CodeDeploy's API that hooks call, about one deployment.

    Attributes:
        status: what the hook has reported.
    """

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self.status: str | None = None

    @contextmanager
    def served(self) -> Iterator[str]:
        """Serve it; the value is its address."""
        server = ThreadingHTTPServer((HOST, 0), self._handler())
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://{HOST}:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()

    def answer(self, operation: str, request: dict[str, Any]) -> dict[str, Any]:
        """What CodeDeploy answers."""
        of, id_ = self._deployment, f"{self._deployment.function}:{self._deployment.alias}"
        match operation:
            case "ListDeploymentTargets":
                return {"targetIds": [id_]}
            case "BatchGetDeploymentTargets":
                info = {
                    "functionName": of.function,
                    "functionAlias": of.alias,
                    "currentVersion": of.current,
                    "targetVersion": of.target,
                }
                target = {"targetId": id_, "lambdaFunctionInfo": info}
                kind = {"deploymentTargetType": "LambdaTarget"}
                return {"deploymentTargets": [{**kind, "lambdaTarget": target}]}
            case "PutLifecycleEventHookExecutionStatus":
                self.status = request["status"]
                return {"lifecycleEventHookExecutionId": request["lifecycleEventHookExecutionId"]}
        raise LookupError(operation)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                operation = self.headers["X-Amz-Target"].rpartition(".")[2]
                body = self.rfile.read(int(self.headers["Content-Length"]))
                answer = json.dumps(api.answer(operation, json.loads(body))).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-amz-json-1.1")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Log nothing."""

        return Handler
