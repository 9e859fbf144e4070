"""The functions of the template: their entries, variables, time-outs and sample events."""

import importlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import unquote

from tools.template import ROOT, resources, template

# What only Python, Powertools, the SDK or a layer reads; every function has it but the
# last two.
COMMON_VARIABLES = {
    "AWS_ENDPOINT_URL",
    "FAULTS",
    "POWERTOOLS_LOG_LEVEL",
    "POWERTOOLS_METRICS_NAMESPACE",
    "POWERTOOLS_SERVICE_NAME",
    "PYTHONWARNINGS",
    "TRACING",
    "URL_SUFFIX",
    "WAKES",
}
_OF_STACK = re.compile(r"bodega-(\w+)-\w+")
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
# The event source of each kind of event; a function that others call has none.
_SOURCES = {"rest": "Api", "queue": "SQS", "stream": "DynamoDB", "schedule": "Schedule"}
_HOOK = template()["Globals"]["Function"]["DeploymentPreference"]["Hooks"]["PreTraffic"]["Ref"]


@dataclass(frozen=True)
class Function:
    """One Lambda function of the template."""

    name: str
    properties: dict[str, Any]

    @property
    def module(self) -> ModuleType:
        """The module of its handler, imported as Lambda does."""
        return importlib.import_module(self.properties["Handler"].rpartition(".")[0])

    @property
    def service(self) -> str:
        """The name of its service."""
        return str(self.properties["Environment"]["Variables"]["POWERTOOLS_SERVICE_NAME"])

    @property
    def table(self) -> str:
        """The table that its variables name, by its logical id."""
        return str(self.properties["Environment"]["Variables"]["TABLE_NAME"]["Ref"])

    @property
    def declared_variables(self) -> set[str]:
        return set(self.properties["Environment"]["Variables"]) | set(
            template()["Globals"]["Function"]["Environment"]["Variables"]
        )

    @property
    def read_variables(self) -> set[str]:
        """What its settings read."""
        return {field.name.upper() for field in fields(self.module.Settings)}

    @property
    def timeout(self) -> int:
        default: int = template()["Globals"]["Function"]["Timeout"]
        return int(self.properties.get("Timeout", default))

    def events(self, type_: str) -> list[dict[str, Any]]:
        """The properties of its event sources of a type, such as `Api`."""
        sources = self.properties.get("Events", {}).values()
        return [source["Properties"] for source in sources if source["Type"] == type_]

    def takes(self, kind: str) -> bool:
        """Whether events of this kind (see kind_of) invoke it."""
        if kind in ("call", "deployment"):
            return not self.properties.get("Events") and (self.name == _HOOK) == (kind != "call")
        return bool(self.events(_SOURCES[kind]))

    @property
    def is_tried(self) -> bool:
        """Whether CodeDeploy deploys its versions, after the hook has tried them."""
        return bool(self.properties["DeploymentPreference"].get("Enabled", True))

    @property
    def routes(self) -> set[tuple[str, str]]:
        """Methods and paths that the API sends here; each method where the template says ANY."""
        named = {(source["Method"], source["Path"]) for source in self.events("Api")}
        return {
            (one, path)
            for method, path in named
            for one in (_METHODS if method == "ANY" else (method,))
        }


FUNCTIONS = {
    name: Function(name, properties)
    for name, properties in resources("AWS::Serverless::Function").items()
}


def function_called(name: str) -> str:
    """The function that a call names: by its name or ARN, with an alias or a version or without,
    quoted for a URL or not; by CloudFormation's name for it or by its logical id."""
    physical = unquote(name).rpartition(":function:")[2].partition(":")[0]
    return _OF_STACK.sub(r"\1", physical)


@dataclass(frozen=True)
class SampleEvent:
    """A file of events/, and the function that takes it."""

    path: Path
    function: str

    def payload(self, token: str) -> dict[str, Any]:
        """The event, with a real access token where it says `${TOKEN}`."""
        payload: dict[str, Any] = json.loads(self.path.read_text().replace("${TOKEN}", token))
        return payload

    @property
    def kind(self) -> str:
        return kind_of(json.loads(self.path.read_text()))


def sample_events() -> Iterator[SampleEvent]:
    """All of events/."""
    for path in sorted((ROOT / "events").glob("*.json")):
        event = json.loads(path.read_text())
        kind = kind_of(event)
        services = [f.service for f in FUNCTIONS.values() if path.name.startswith(f"{f.service}-")]
        found = [
            name
            for name, function in FUNCTIONS.items()
            # `order-notes-get.json` is for order-notes, also if there is a service named order.
            if function.service == max(services, key=len, default="")
            and function.takes(kind)
            and (kind != "rest" or (event["httpMethod"], event["resource"]) in function.routes)
        ]
        assert len(found) == 1, (
            f"events/{path.name} is for {found or 'no function'} of the template"
        )
        yield SampleEvent(path, found[0])


def kind_of(event: dict[str, Any]) -> str:
    if "httpMethod" in event:
        return "rest"
    if event.get("detail-type") == "Scheduled Event":
        return "schedule"
    if "Records" in event:
        return "queue" if event["Records"][0]["eventSource"] == "aws:sqs" else "stream"
    if "DeploymentId" in event:
        return "deployment"
    assert {"name", "request_id", "body"} <= set(event)
    return "call"
