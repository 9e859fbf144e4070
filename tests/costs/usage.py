"""What recorded runs and responses are billed for, by the names of prices.toml."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from tests.costs import pricing
from tests.costs.capacity import Units
from tests.costs.meter import Call, Exchange, Run
from tests.costs.pricing import ASSUMED, GIGABYTE, RULES, Quantities
from tests.outages.alarms import Metric, emitted
from tests.simulation.resources import WORKERS
from tests.support.functions import FUNCTIONS
from tools.intrinsics import resolve
from tools.template import resources, template

_QUEUES = {worker.function for worker in WORKERS.values()}
_SIGNATURES = ("Sign", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext")


def of_runs(runs: Sequence[Run]) -> Quantities:
    """What functions use; without log lines, metrics and traces, and the payment provider."""
    used: dict[str, float] = defaultdict(float)
    for run in runs:
        used["lambda_request"] += 1
        used["gb_second"] += duration_ms(run) / 1000 * memory_mb(run.function) / 1024
        if run.function in _QUEUES:
            # A message that SNS or a worker sends is a request too.
            used["sqs_request"] += run.records + RULES["poller_requests_per_batch"]
        for call in run.calls:
            match call.service:
                case "sns":
                    used["sns_request"] += pricing.chunks(call.size)
                case "ssm":
                    # Of it, only what decrypts the parameter has a price.
                    used["kms_request"] += 1
                case "kms":
                    signs = call.operation in _SIGNATURES
                    used["kms_signature" if signs else "kms_request"] += 1
                case "sesv2":
                    used["email"] += 1
    units = units_of(runs)
    used["write_unit"], used["read_unit"] = units.write, units.read
    return used


def of_exchanges(exchanges: Sequence[Exchange]) -> Quantities:
    """What the gateway is paid for, and what leaves AWS through it."""
    size = sum(one.size + ASSUMED["gateway_headers_bytes"] for one in exchanges)
    return {"api_request": len(exchanges), "data_out_gb": size / GIGABYTE}


def of_logs(runs: Sequence[Run], exchanges: Sequence[Exchange]) -> Quantities:
    """Log lines, those of the gateway too: collected, and stored for as long as they are kept."""
    sizes = [len(line.encode()) for run in runs for line in run.lines]
    sizes += [len(access_log_line(one)) for one in exchanges]
    collected = pricing.log_gigabytes(sizes)
    kept = float(template()["Parameters"]["LogRetentionDays"]["Default"]) / RULES["days_in_month"]
    stored = collected * RULES["log_compression"] * kept
    return {"log_gb": collected, "log_storage_gb": stored}


def access_log_line(exchange: Exchange) -> str:
    """What the gateway logs of a request, in the template's format."""
    [api] = resources("AWS::Serverless::Api").values()
    method, _, path = exchange.method.partition(" ")
    values = {
        "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
        "identity.sourceIp": "203.0.113.100",
        "httpMethod": method,
        "resourcePath": path,
        "status": "200",
        "responseLatency": "12",
        "error.responseType": "-",
    }
    return re.sub(
        r"\$context\.([\w.]+)",
        lambda found: values[found[1]],
        api["AccessLogSetting"]["Format"],
    )


def units_of(runs: Iterable[Run]) -> Units:
    """Request units, without the payment provider's own."""
    return sum((c.units for run in runs for c in run.calls if not c.is_payment), Units())


def metrics_of(run: Run) -> Iterator[Metric]:
    """The metrics that a run writes, each with its dimensions: once for each line."""
    for line in run.lines:
        for metric, _, _ in emitted(run.function, line):
            yield metric


def is_sampled_by_lambda(run: Run) -> bool:
    """Whether Lambda decides if this run is traced: it has Active tracing and no caller, such as
    the API, that decides for it."""
    function = FUNCTIONS[run.function]
    if not run.is_outermost or function.takes("rest"):
        return False
    of_all = template()["Globals"]["Function"].get("Tracing", "PassThrough")
    mode = resolve(function.properties.get("Tracing", of_all), ref=str, attribute=str)
    return bool(mode == "Active")


def traced_share() -> tuple[float, float]:
    """The rate and the reservoir of the rule that decides for the API's requests."""
    for rule in resources("AWS::XRay::SamplingRule").values():
        declared = rule["SamplingRule"]
        rate = template()["Parameters"][declared["FixedRate"]["Ref"]]["Default"]
        return float(rate), float(declared["ReservoirSize"])
    return RULES["default_share"], RULES["reservoir"]


def firewall_rules(*, behind_cdn: bool) -> int:
    """How many rules the firewall has."""
    [firewall] = resources("AWS::WAFv2::WebACL").values()
    parameters = {"Cdn": "cloudfront" if behind_cdn else "none"}
    rules = resolve(firewall["Rules"], ref=str, attribute=str, parameters=parameters)
    return len(rules)


def duration_ms(run: Run) -> float:
    """An invocation's computing time on its share of a processor, and its waiting for responses."""
    share = min(1, memory_mb(run.function) / ASSUMED["vcpu_memory_mb"])
    cpu = ASSUMED["cpu_per_invocation_ms"] + len(run.calls) * ASSUMED["cpu_per_call_ms"]
    cpu += ASSUMED["cpu_of_a_password_ms"] * run.hashes_password
    waiting = sum(map(_response_ms, run.calls)) + sum(map(duration_ms, run.called))
    return max(ASSUMED["smallest_duration_ms"], cpu / share + waiting)


def _response_ms(call: Call) -> float:
    """The assumed waiting for a response."""
    names = {
        "kms": "kms_ms",
        "lambda": "lambda_invoke_ms",
        "sesv2": "ses_ms",
        "sns": "sns_ms",
        "sqs": "sqs_ms",
        "ssm": "kms_ms",
        "stripe": "stripe_ms",
    }
    if call.service == "dynamodb":
        kinds = {"TransactWriteItems": "transaction"}
        kinds |= dict.fromkeys(("PutItem", "UpdateItem", "DeleteItem"), "write")
        return ASSUMED[f"dynamodb_{kinds.get(call.operation, 'read')}_ms"]
    return ASSUMED[names[call.service]]


def memory_mb(function: str) -> int:
    """By the template."""
    declared = FUNCTIONS[function].properties
    return int(declared.get("MemorySize", template()["Globals"]["Function"]["MemorySize"]))
