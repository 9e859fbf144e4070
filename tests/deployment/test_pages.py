"""`make deploy` and the pages, on moto's S3."""

from pathlib import Path

import boto3
from moto import mock_aws

from tools.local import cloud


def test_upload_writes_pages_last_and_deletes_what_is_gone(tmp_path: Path) -> None:
    for name in ("shop/index.html", "shop/main.js", "console/index.html", "lib/zoo.css"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    with mock_aws():
        s3 = boto3.client("s3", region_name="us-east-1")
        s3.create_bucket(Bucket="pages")
        s3.put_object(Bucket="pages", Key="shop/old.js")
        calls: list[tuple[str, str]] = []
        for operation in ("PutObject", "DeleteObject"):
            s3.meta.events.register(
                f"provide-client-params.s3.{operation}",
                lambda params, model, **_: calls.append((model.name, params["Key"])),
            )
        cloud.upload(s3, "pages", tmp_path)
        assert calls == [
            ("PutObject", "lib/zoo.css"),
            ("PutObject", "shop/main.js"),
            ("PutObject", "console/index.html"),
            ("PutObject", "shop/index.html"),
            ("DeleteObject", "shop/old.js"),
        ]
        page = s3.get_object(Bucket="pages", Key="shop/index.html")
        assert (page["ContentType"], page["CacheControl"]) == (
            "text/html; charset=utf-8",
            "no-store",
        )
        assert page["Body"].read() == b"shop/index.html"
        left = s3.list_objects_v2(Bucket="pages")["Contents"]
        assert len(left) == 4
