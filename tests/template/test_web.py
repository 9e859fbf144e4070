"""The storefront and the console behind CloudFront, by the parameter Web."""

import json
import subprocess
from fnmatch import fnmatchcase

import pytest

from tests.access.requests import ROUTES
from tools.intrinsics import meets_condition, resolve
from tools.local import web
from tools.local.places import ROOT
from tools.template import resources, template

_NODE = ROOT / ".tools/node/bin/node"
_BEHIND_CDN = {"CdnCertificateArn": "arn", "DomainName": "shop.example", "Cdn": "beside"}
_RUNS_ROUTER = """
const [code, paths] = JSON.parse(require("fs").readFileSync(0));
const handler = new Function(code + "; return handler;")();
console.log(JSON.stringify(paths.map((uri) => handler({request: {uri}}))));
"""
_PATHS = (
    *("/shop", "/shop/", "/shop/orders/1", "/shop/confirm", "/shop/main.js", "/shop/a.b/c"),
    *("/console", "/console/", "/console/queues", "/console/console.css", "/lib/api.js", "/lib/x"),
    *("/shop/../lib/x", "/shop//", "/shop/.", "/shop/a/.."),
)


@pytest.mark.parametrize(
    ("parameters", "is_made"),
    [({}, False), ({"Web": "on"}, True), ({"Web": "on", "Cdn": "none"}, False)],
)
def test_bucket_exists_behind_cloudfront_only(parameters: dict[str, str], is_made: bool) -> None:
    parameters = {**_BEHIND_CDN, **parameters}
    parts = ("WebBucket", "WebBucketPolicy", "WebAccess", "WebRouter", "WebHeaders")
    for name in parts:
        assert meets_condition(template()["Resources"][name], parameters) == is_made
    [distribution] = resources("AWS::CloudFront::Distribution").values()
    config = resolve(
        distribution["DistributionConfig"], ref=str, attribute=str, parameters=parameters
    )
    assert ("web" in {origin["Id"] for origin in config["Origins"]}) == is_made
    of_bucket = [one for one in config["CacheBehaviors"] if one["TargetOriginId"] == "web"]
    assert len(of_bucket) == (5 if is_made else 0)
    assert config["DefaultCacheBehavior"]["TargetOriginId"] == "api"
    for behavior in of_bucket:
        assert not any(fnmatchcase(path, behavior["PathPattern"]) for _, path in ROUTES)


@pytest.mark.skipif(not _NODE.exists(), reason="`make .tools/node/.made`")
def test_cloudfront_and_the_local_front_serve_the_same_file_for_a_path() -> None:
    code = template()["Resources"]["WebRouter"]["Properties"]["FunctionCode"]
    ran = subprocess.run(
        (_NODE, "-e", _RUNS_ROUTER),
        input=json.dumps([code, _PATHS]),
        capture_output=True,
        text=True,
        check=True,
    )
    for path, made in zip(_PATHS, json.loads(ran.stdout), strict=True):
        key = web.key_of(path)
        if made.get("statusCode") == 308:
            assert (key, made["headers"]["location"]["value"]) == ("", f"{path}/")
        else:
            assert f"/{key}" == made["uri"]
