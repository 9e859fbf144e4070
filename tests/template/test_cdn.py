"""CloudFront before the API, by the parameter Cdn: what it keeps, and what it says of a request."""

import json
import subprocess
from fnmatch import fnmatchcase

import pytest

from tests.access.requests import ROUTES
from tools.intrinsics import meets_condition, resolve
from tools.local.places import ROOT
from tools.openapi import access
from tools.template import resources, template

_NODE = ROOT / ".tools/node/bin/node"


def test_cdn_is_there_where_it_is_wanted() -> None:
    wanted = {"CdnCertificateArn": "arn", "DomainName": "api.shop.example"}
    parts = [name for name in template()["Resources"] if name.startswith("Cdn")]
    assert len(parts) == 5
    for parameters, is_there in (
        (wanted, False),
        ({**wanted, "Cdn": "none"}, False),
        ({**wanted, "Cdn": "beside"}, True),
        ({**wanted, "Cdn": "cloudfront"}, True),
    ):
        for name in parts:
            assert meets_condition(template()["Resources"][name], parameters) == is_there


def test_cdn_keeps_what_anyone_may_read_and_the_api_lets_caches_keep() -> None:
    [distribution] = resources("AWS::CloudFront::Distribution").values()
    # The pages' behaviors lead to another bucket: test_web.py.
    config = resolve(distribution["DistributionConfig"], ref=str, attribute=str)
    kept = [behavior["PathPattern"] for behavior in config["CacheBehaviors"]]
    for method, path in ROUTES:
        declared = ROUTES[method, path].responses.get(200, {}).get("headers", {})
        is_kept = method == "GET" and any(fnmatchcase(path, pattern) for pattern in kept)
        if is_kept:
            assert access.declared()[method, path].is_public
        lifetimes = str(declared.get("Cache-Control", {}).get("schema", {}))
        assert path == "/docs/{asset}" or is_kept == ("max-age" in lifetimes), path
    [policy] = resources("AWS::CloudFront::CachePolicy").values()
    assert {policy["CachePolicyConfig"][name] for name in ("MinTTL", "DefaultTTL")} == {0}
    behaviors = [config["DefaultCacheBehavior"], *config["CacheBehaviors"]]
    assert {behavior["ViewerProtocolPolicy"] for behavior in behaviors} == {"https-only"}
    # A weak ETag of CloudFront's would fail every If-Match.
    assert {behavior["Compress"] for behavior in behaviors} == {False}


_RUNS_CDN_FUNCTION = """
const [code, request] = JSON.parse(require("fs").readFileSync(0));
const handler = new Function(code + "; return handler;")();
console.log(JSON.stringify(handler({request, viewer: {ip: "192.0.2.7"}})));
"""


@pytest.mark.skipif(not _NODE.exists(), reason="`make .tools/node/.made`")
@pytest.mark.parametrize(
    ("name", "method", "passes"),
    [("CdnViewer", "GET", True), ("CdnReader", "GET", False), ("CdnReader", "PUT", True)],
)
def test_cdn_writes_the_viewers_address_and_sends_no_caller_where_it_keeps(
    name: str, method: str, passes: bool
) -> None:
    sent = {"authorization": {"value": "Bearer x"}, "x-viewer-address": {"value": "198.51.100.1"}}
    request = {"method": method, "headers": sent, "cookies": {"device": {"value": "d"}}}
    code = template()["Resources"][name]["Properties"]["FunctionCode"]
    ran = subprocess.run(
        (_NODE, "-e", _RUNS_CDN_FUNCTION),
        input=json.dumps([code, request]),
        capture_output=True,
        text=True,
        check=True,
    )
    changed = json.loads(ran.stdout)
    assert changed["headers"]["x-viewer-address"] == {"value": "192.0.2.7"}
    assert ("authorization" in changed["headers"], bool(changed["cookies"])) == (passes, passes)
