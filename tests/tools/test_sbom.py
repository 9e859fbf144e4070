"""`make sbom`: what is deployed, and nothing else."""

from typing import Any

from tools.sbom import deployed, hashes

PINNED = """\
Some_Package==1.0 \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
    # via -r requirements.in
other==2.0 ; sys_platform == "win32" \\
    --hash=sha256:{c}
""".format(a="a" * 64, b="b" * 64, c="c" * 64)


def environment() -> dict[str, Any]:
    """An environment in which `kept` needs `below` and, to be tested only, `tool`."""
    names = ("kept", "below", "tool")
    return {
        "metadata": {"component": {"bom-ref": "root", "name": "bodega", "type": "application"}},
        "components": [{"bom-ref": f"{name}==1", "name": name} for name in names],
        "dependencies": [
            {"ref": "root"},
            {"ref": "kept==1", "dependsOn": ["below==1", "tool==1"]},
            {"ref": "below==1"},
            {"ref": "tool==1"},
        ],
    }


def test_a_pinned_package_has_the_hashes_of_all_its_files() -> None:
    assert hashes(PINNED) == {"some-package": ["a" * 64, "b" * 64], "other": ["c" * 64]}


def test_what_only_tests_and_tools_need_is_left_out() -> None:
    made = deployed(environment(), {"kept": ["a" * 64], "below": []}, {"kept"})
    assert [component["name"] for component in made["components"]] == ["kept", "below"]
    assert made["dependencies"] == [
        {"ref": "root", "dependsOn": ["kept==1"]},
        {"ref": "kept==1", "dependsOn": ["below==1"]},
        {"ref": "below==1", "dependsOn": []},
    ]
    assert made["components"][0]["properties"] == [{"name": "bodega:sha256", "value": "a" * 64}]
