"""How much the pages are: what a browser loads, and what people read."""

import gzip
from collections.abc import Iterator
from pathlib import Path

from tools.template import ROOT

WEB = ROOT / "web"


def _files(folder: str, *endings: str) -> Iterator[Path]:
    return (file for file in (WEB / folder).rglob("*") if file.suffix in endings)


def test_storefront_loads_at_most_60_kb_of_compressed_script() -> None:
    scripts = [*_files("lib", ".js", ".mjs"), *_files("shop", ".js")]
    assert sum(len(gzip.compress(file.read_bytes(), 6)) for file in scripts) <= 60_000


def test_pages_have_at_most_3500_lines_of_our_own() -> None:
    own = [file for file in _files("", ".js", ".css", ".html") if "vendor" not in file.parts]
    assert sum(len(file.read_text().splitlines()) for file in own) <= 3_500
