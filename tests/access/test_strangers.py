"""Customers try to get at what is another's, thousands of times at random: nothing of it is shown, and nothing changes."""

import itertools
import json
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from tests.access.attacks import Attacker, Loot, loot, shown
from tests.access.scene import Owner, Scene, Stored, settle_in

# Those of `make test`; the long form runs ten times as many, under another seed.
TRIALS = 10_000


@pytest.fixture
def loots(scene: Scene, restore: Callable[[], None]) -> list[Loot]:
    third = settle_in(scene.stage, "thea")
    return [loot(owner) for owner in (scene.owner, scene.other, third)]


def belongings(stored: Stored, owner: Owner) -> Stored:
    """All that is stored of an owner."""
    return {
        key: item
        for key, item in stored.items()
        if any(mark in json.dumps([key, item]) for mark in owner.marks)
    }


def try_everything(scene: Scene, loots: list[Loot], *, trials: int, seed: int) -> Counter[int]:
    """Let each customer try at each other; return how often each status was the answer."""
    chance = random.Random(seed)
    theirs = {it.owner.id: belongings(scene.stored, it.owner) for it in loots}
    pairs = list(itertools.permutations(loots, 2))
    statuses: Counter[int] = Counter()
    for _ in range(trials):
        me, victim = chance.choice(pairs)
        attacker = Attacker(scene, chance, me, victim)
        tried = attacker.attempt()
        answer = attacker.send(tried)
        statuses[answer.status_code] += 1
        seen = shown(answer)
        for it in loots:
            if it is not me:
                leaked = [mark for mark in it.owner.marks if mark in seen]
                assert not leaked, f"{tried} showed {leaked}: {answer.text}"
        lowest = 400 if tried.is_refused else 200
        assert lowest <= answer.status_code < 500, f"{tried}: {answer.text}"
        if scene.town.wire.calls:
            look_after(scene, loots, theirs, me, str(tried))
            scene.town.wire.forget()
    return statuses


def look_after(
    scene: Scene, loots: list[Loot], theirs: dict[str, Stored], me: Loot, tried: str
) -> None:
    """Nothing of anybody's has changed, but what is the attacker's own."""
    tables: Any = scene.town.cloud.dynamodb.tables
    for it in loots:
        if it is not me:
            for (table, *key), item in theirs[it.owner.id].items():
                assert tables[table].items.get(tuple(key)) is item, f"{tried} changed {item}"


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("trials", "seed"), [(TRIALS, 1), pytest.param(10 * TRIALS, 2, marks=pytest.mark.torture)]
)
def test_no_customer_reads_or_changes_what_is_another_s(
    scene: Scene, loots: list[Loot], trials: int, seed: int, say: Callable[[str], None]
) -> None:
    statuses = try_everything(scene, loots, trials=trials, seed=seed)
    # Those that were answered with one's own things show that the requests were good ones.
    assert statuses[200] > trials / 20
    say(f"across customers: {trials} trials, 0 reads, 0 changes; answers: {dict(statuses)}")
