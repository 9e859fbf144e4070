"""`make drill-deploy`: a deployment that goes wrong is noticed, and goes back by itself.

It uses a separate shop on the emulator. The alarms are those of the template, with their periods.
Metrics of API Gateway and Lambda are put into the emulator's CloudWatch at the end of each minute.
"""

import io
import json
import shutil
import sys
import textwrap
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tools.drill_deploy.codedeploy import CodeDeploy, Deployment, HookApi, steps_of
from tools.drill_deploy.load import Load, p99, share_of_failed
from tools.local import sam, stack
from tools.local.arguments import Parser, forget_own_aws
from tools.local.places import STACK, STATE
from tools.local.processes import free_port
from tools.local.shop import Shop
from tools.progress import Problem, end_as_by_ctrl_c, exit_code, step
from tools.template import alias, resources, template

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

_FUNCTION: Final = "ProductsApi"
_HOOK: Final = "OperationsPreTraffic"
_ENDPOINT: Final = "AWS_ENDPOINT_URL_CODEDEPLOY"
_GRADUAL: Final = [
    name for name in template()["Parameters"]["Deployments"]["AllowedValues"] if steps_of(name)
]
_MINUTE: Final = 60
_AFTERWARDS: Final = 10
# A module beside the function's own, and its handler.
_FAULTY: Final = {
    "one request in five fails": """
        import itertools
        from products.api import handler as working
        requests = itertools.count(1)
        def handler(event, context):
            if next(requests) % 5 == 0:
                raise RuntimeError("a fault of the drill")
            return working(event, context)
        """,
    "does not start": """
        raise ImportError("a fault of the drill")
        """,
}


@dataclass(frozen=True)
class Drill:
    """The shop, and what the drill needs of it."""

    shop: Shop
    deployed: stack.Stack
    physical: dict[str, str]

    def client(self, service: str) -> Any:
        return stack.session().client(service, endpoint_url=self.shop.endpoint)  # type: ignore[call-overload]

    def ringing(self) -> Sequence[str]:
        """Those of the function's alarms that ring, by their names in the template."""
        own = resources("AWS::Serverless::Function")[_FUNCTION]["DeploymentPreference"]["Alarms"]
        names = {self.physical[one["Ref"]]: one["Ref"] for one in own["Fn::If"][1]}
        found = self.client("cloudwatch").describe_alarms(AlarmNames=list(names))["MetricAlarms"]
        return sorted(names[one["AlarmName"]] for one in found if one["StateValue"] == "ALARM")

    def measure(self, load: Load, begin: float, version: str) -> None:
        """Put what AWS measures of the minute into CloudWatch."""
        seen = load.between(begin, begin + _MINUTE)
        failed = sum(one.failed for one in seen)
        function = self.deployed.functions[_FUNCTION]
        of_api = {"ApiName": STACK, "Stage": "live"}
        of_version = {
            "FunctionName": function,
            "Resource": f"{function}:{alias()}",
            "ExecutedVersion": version,
        }
        for namespace, metric, dimensions, value in (
            ("AWS/ApiGateway", "5XXError", of_api, share_of_failed(seen)),
            ("AWS/ApiGateway", "Latency", of_api, p99(seen)),
            ("AWS/Lambda", "Errors", of_version, failed),
        ):
            named = [{"Name": name, "Value": text} for name, text in dimensions.items()]
            datum = {"MetricName": metric, "Dimensions": named, "Value": value}
            self.client("cloudwatch").put_metric_data(Namespace=namespace, MetricData=[datum])

    def publish(self, faulty: str) -> Deployment:
        """A new version of the function, with a fault."""
        lambda_, function = self._lambda(), self.deployed.functions[_FUNCTION]
        current = lambda_.get_alias(FunctionName=function, Name=alias())["FunctionVersion"]
        lambda_.update_function_configuration(FunctionName=function, Handler="faulty.handler")
        lambda_.update_function_code(FunctionName=function, ZipFile=_package(_FAULTY[faulty]))
        target = lambda_.publish_version(FunctionName=function)["Version"]
        return Deployment(function, alias(), current, target)

    def is_tried(self, deployment: Deployment) -> bool:
        """Whether the hook admits requests to the new version."""
        lambda_, hook = self._lambda(), self.deployed.functions[_HOOK]
        configuration = lambda_.get_function_configuration(FunctionName=hook)
        variables = configuration["Environment"]["Variables"]
        api = HookApi(deployment)
        with api.served() as url:
            lambda_.update_function_configuration(
                FunctionName=hook, Environment={"Variables": {**variables, _ENDPOINT: url}}
            )
            event = {"DeploymentId": "d-DRILL", "LifecycleEventHookExecutionId": "drill"}
            lambda_.invoke(FunctionName=hook, Payload=json.dumps(event).encode())
        if api.status is None:
            raise Problem("The hook reported nothing: the shop's functions.log says why.")
        return api.status == "Succeeded"

    def codedeploy(self) -> CodeDeploy:
        return CodeDeploy(self._lambda(), self.ringing)

    def _lambda(self) -> "LambdaClient":
        client: LambdaClient = self.client("lambda")
        return client


def _package(module: str) -> bytes:
    """The function as it is built, with one more module."""
    packed, built = io.BytesIO(), sam.BUILD / _FUNCTION
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in built.rglob("*") if path.is_file()):
            archive.write(file, file.relative_to(built))
        archive.writestr("faulty.py", textwrap.dedent(module))
    return packed.getvalue()


def _gradual(drill: Drill, deployments: str, rate: float) -> None:
    """A version with a fault that its trial does not show."""
    with Load(drill.shop.url, per_second=rate) as load:
        with step("new version") as progress:
            deployment = drill.publish("one request in five fails")
            progress.note(f"{deployment.target}: one request in five fails")
        with step("trial by the hook") as progress:
            progress.note("passed" if drill.is_tried(deployment) else "failed")
        begin = minute = time.monotonic()

        def pause(seconds: float) -> None:
            nonlocal minute
            time.sleep(seconds)
            if time.monotonic() >= minute + _MINUTE:
                drill.measure(load, minute, deployment.target)
                minute += _MINUTE

        with step(deployments) as progress:
            steps = steps_of(deployments)
            ringing = drill.codedeploy().shift(deployment, steps, pause=pause)
            progress.note(", ".join(ringing) or "no alarm rang")
        back = time.monotonic()
        time.sleep(_AFTERWARDS)
        meanwhile, after = load.between(begin, back), load.between(back, time.monotonic())
    if not ringing:
        raise Problem("No alarm rang: the version with the fault has all requests.")
    failed = sum(one.failed for one in meanwhile)
    print(
        f"\n{failed} of {len(meanwhile)} requests failed ({failed / len(meanwhile):.1%}), and the "
        f"alias was back after {back - begin:.0f} s.\n"
        f"Of {len(after)} requests in the {_AFTERWARDS} s after that, "
        f"{sum(one.failed for one in after)} failed.\n"
    )


def _refused(drill: Drill) -> None:
    """A version that its trial shows to be broken."""
    with step("new version") as progress:
        deployment = drill.publish("does not start")
        progress.note(f"{deployment.target}: does not start")
    with step("trial by the hook") as progress:
        admitted = drill.is_tried(deployment)
        progress.note("passed" if admitted else "failed: it gets no request")
    if admitted:
        raise Problem("The hook admits requests to a version that does not start.")


def main() -> None:
    parser = Parser(prog="python -m tools.drill_deploy", description=__doc__)
    parser.add_argument("--deployments", required=True, choices=_GRADUAL, metavar="STEPS")
    parser.add_argument("--rate", type=float, default=20.0, help="requests a second")
    options = parser.parse_args()
    forget_own_aws()
    folder = STATE / "drill-deploy"
    shutil.rmtree(folder, ignore_errors=True)
    parameters = {"Deployments": options.deployments}
    shop = Shop(free_port(), folder, enforce_iam=True, parameters=parameters)
    with shop.running():
        pages = stack.cloudformation_of(shop.endpoint).get_paginator("list_stack_resources")
        physical = {
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for page in pages.paginate(StackName=STACK)
            for one in page["StackResourceSummaries"]
        }
        drill = Drill(shop, shop.stack(), physical)
        _gradual(drill, options.deployments, options.rate)
        _refused(drill)


if __name__ == "__main__":
    end_as_by_ctrl_c()
    sys.exit(exit_code(main))
