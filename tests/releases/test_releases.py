"""A deployment and a rollback meet what the other release has stored: each takes the other's shop
to its rest."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from operations.reconciliation.models import CATEGORY
from tests.releases import world
from tests.simulation.shop import opened

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
# A world that was recorded by the code of the commit that its file is named after.
RECORDED = sorted(HERE.glob("*.json"))
# Releases to which no rollback is possible (docs/decisions.md), and what they do not find.
NO_WAY_BACK = {
    "2b6d66eee62aa68e27694c0c827c09b7c1a2e8b9": "passwords and sessions are in CredentialsTable"
}
releases = pytest.mark.parametrize("recorded", RECORDED, ids=lambda path: path.stem)


@releases
def test_this_release_resumes_the_shop_of_an_earlier_one(recorded: Path) -> None:
    wrong = world.resume(json.loads(recorded.read_text()))
    # Earlier releases did not count categories: docs/evolving.md, "Totals of categories".
    assert [one for one in wrong if CATEGORY not in one] == []


@releases
def test_an_earlier_release_resumes_the_shop_of_this_one(recorded: Path, tmp_path: Path) -> None:
    commit = recorded.stem
    if commit in NO_WAY_BACK:
        pytest.skip(NO_WAY_BACK[commit])
    archive = subprocess.run(
        ["git", "archive", commit, "functions", "layers", "tests", "tools", "template.yaml"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if archive.returncode:
        pytest.skip(f"the history does not reach back to {commit}")
    subprocess.run(["tar", "-x"], cwd=tmp_path, input=archive.stdout, check=True)
    path = ":".join(str(tmp_path / part) for part in ("functions", "layers/shared", ""))
    # By that release's own program: this release's modules may have other names.
    resumed = subprocess.run(
        [sys.executable, "tests/releases/world.py", "resume"],
        cwd=tmp_path,
        env={"PYTHONPATH": path, "PATH": "/usr/bin:/bin"},
        input=json.dumps(world.record()),
        capture_output=True,
        text=True,
        check=False,
    )
    assert resumed.stderr == ""
    # That release expects e-mails as it writes them.
    wrong = [one for one in json.loads(resumed.stdout) if " was handed over " not in one]
    assert wrong == []


def test_this_release_handles_what_relays_of_the_last_one_publish_until_they_are_replaced() -> None:
    """They publish on the topic of all events: docs/decisions.md, "A topic for each service"."""
    with opened() as shop:
        subscriptions = shop.cloud.subscriptions
        of_all = [(queue, types) for topic, queue, types in subscriptions if topic == "Events"]
        assert of_all
        # As if each topic were that one.
        topics = {topic for topic, _, _ in subscriptions}
        subscriptions[:] = [(topic, *subscription) for topic in topics for subscription in of_all]
        order = shop.customer.order((shop.mug, 4))
        shop.settle()
        assert shop.customer.get(f"/api/v1/orders/{order['id']}").json()["status"] == "confirmed"
        mailed = {email.subject for email in shop.cloud.handed_over}
        assert {"Your order is confirmed", "Running low: Mug"} <= mailed
        user = f"/api/v1/users/{shop.customer.user['id']}"
        assert shop.admin.delete(user, params={"erase": "true"}).is_success
        shop.come_to_rest()
        stored = [table.items for table in shop.cloud.dynamodb.tables.values()]
        assert "carla@example.com" not in str(stored)
