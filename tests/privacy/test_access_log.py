"""The gateway's own log of requests: which route was asked, and not with what."""

import json
import re

from tools.template import resources

SAID = {
    "requestId",
    "identity.sourceIp",
    "httpMethod",
    # The route's pattern: in a path there are ids, and what else a client puts there.
    "resourcePath",
    "status",
    "responseLatency",
    "error.responseType",
}


def test_the_access_log_has_no_path_no_query_and_no_headers() -> None:
    [api] = resources("AWS::Serverless::Api").values()
    format_ = api["AccessLogSetting"]["Format"]
    assert set(re.findall(r"\$context\.([\w.]+)", format_)) <= SAID
    assert json.loads(format_).keys() >= {"request_id", "status"}
    # Nor does the gateway write whole requests and answers into its execution log.
    for settings in api["MethodSettings"]:
        assert not settings.get("DataTraceEnabled")
