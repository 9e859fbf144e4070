"""The simulated shop with each function in a process of its own, started as Lambda starts it:
awslambdaric, the variables that Lambda derives from the template, and AWS over HTTP."""

import json
import subprocess
import threading
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import parse_qs

from tests.simulation.shop import SimulatedShop
from tests.support.functions import FUNCTIONS
from tools.json_requests import JsonRequests
from tools.lambda_environment import whole
from tools.local.places import APP_PYTHON, ROOT, aws_environment
from tools.runtime_api import RuntimeApi, Trace

# Where Lambda's own is a secret of a kilobyte.
SESSION_TOKEN: Final = "session-token-of-the-execution-role"  # opens nothing
_LAYERS: Final = ("functions", "layers/shared")
_ANSWER_SECONDS: Final = 60
_SERVICES: Final = {
    "AmazonSQS": "sqs",
    "GraniteServiceVersion20100801": "cloudwatch",
    "AmazonSSM": "ssm",
    "CodeDeploy_20141006": "codedeploy",
    "DynamoDB_20120810": "dynamodb",
    "TrentService": "kms",
}


class FunctionFailed(Exception):
    """The function reported an error; the argument is its payload."""


class ProcessShop(SimulatedShop):
    """A simulated shop of processes, whose clock is this machine's.

    Args:
        folder: takes what the functions print.
        parameters: the template's, those that differ from their defaults.
        trace: what X-Ray has decided for each invocation.
        variables: more variables of every function.
    """

    def __init__(
        self,
        folder: Path,
        parameters: Mapping[str, str],
        trace: Trace,
        variables: Mapping[str, str],
    ) -> None:
        super().__init__(datetime.now(UTC), ticks=True)
        self._folder = folder
        self._parameters = parameters
        self._trace = trace
        self._variables = variables
        self._apis: dict[str, RuntimeApi] = {}
        self._starting = threading.Lock()
        # An environment works on one invocation at a time.
        self._working: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _aws(self))

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self._open.callback(self._server.server_close)
        self._open.callback(self._server.shutdown)
        return super().__enter__()

    @property
    def started(self) -> set[str]:
        """The functions that have been invoked."""
        return set(self._apis)

    def printed(self) -> list[str]:
        """All lines of the functions' standard output and standard error."""
        logs = sorted(self._folder.glob("*.log"))
        return [line for log in logs for line in log.read_text(errors="replace").splitlines()]

    def invoke(self, name: str, event: dict[str, Any]) -> Any:
        with self._starting:
            if name not in self._apis:
                self._apis[name] = self._start(name)
        with self._working[name]:
            answer = self._apis[name].invoke(json.dumps(event).encode()).result(_ANSWER_SECONDS)
        if answer.error:
            raise FunctionFailed(answer.payload.decode())
        return answer.json()

    def variables(self, name: str) -> dict[str, str]:
        """The variables of a function's process."""
        host, port = self._server.server_address[:2]
        return {
            **aws_environment(f"http://{host!s}:{port}"),
            "AWS_SESSION_TOKEN": SESSION_TOKEN,
            "LAMBDA_TASK_ROOT": str(ROOT),
            "PYTHONPATH": ":".join(str(ROOT / layer) for layer in _LAYERS),
            **whole(name, self._names, self._parameters),
            **self._variables,
        }

    def _start(self, name: str) -> RuntimeApi:
        function = FUNCTIONS[name]
        arn = f"arn:aws:lambda:eu-west-1:123456789012:function:{name}"
        api = RuntimeApi(arn, timeout=function.timeout, trace=self._trace)
        with (self._folder / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                (APP_PYTHON, "-m", "awslambdaric", function.properties["Handler"]),
                cwd=ROOT,
                env={**self.variables(name), "AWS_LAMBDA_RUNTIME_API": api.address},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._open.callback(api.close)
        self._open.callback(process.wait)
        self._open.callback(process.kill)
        return api


def _aws(shop: ProcessShop) -> type[JsonRequests]:
    one_at_a_time = threading.Lock()

    class Requests(JsonRequests):
        """The requests of the functions' AWS clients."""

        def do_POST(self) -> None:
            body = self.body()
            service, operation = self._operation(body)
            if self.headers.get("X-Amz-Invocation-Type") == "Event":
                asked = service, operation, self.path, body
                threading.Thread(target=shop.cloud.answer, args=asked).start()
                self.send(202)
            elif service == "lambda":
                # The called function makes calls of its own meanwhile.
                status, headers, answer = shop.cloud.answer(service, operation, self.path, body)
                self.send(status, answer, headers)
            else:
                with one_at_a_time:
                    status, headers, answer = shop.cloud.answer(service, operation, self.path, body)
                self.send(status, answer, headers)

        def _operation(self, body: bytes) -> tuple[str, str]:
            if target := self.headers.get("X-Amz-Target"):
                prefix, _, operation = target.partition(".")
                return _SERVICES[prefix], operation
            if "/functions/" in self.path:
                return "lambda", "Invoke"
            if "/email/" in self.path:
                return "sesv2", "SendEmail"
            return "sns", parse_qs(body.decode())["Action"][0]

    return Requests
