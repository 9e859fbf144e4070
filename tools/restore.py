"""`make restore`: brings tables of a shop back to how they were at a moment, step by step.

    STEP=beside   restore each table to another one beside it; the shop stays open
    STEP=stop     close the shop: nothing reads or writes
    STEP=back     write into the tables what differs from those beside; erase again who was erased
    STEP=start    open the shop, without e-mails; then `make reconcile` and what it prints
    STEP=emails   note e-mails that were sent before, then send again
    STEP=tidy     delete the tables beside

Each step may be repeated. The tables keep their names, streams and policies. The payment provider
is not restored, nor is the sandbox, which stands in for one.
"""

import argparse
import sys
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

from notifications.models import Notification, mailbox, notification_id
from notifications.repository import DynamoNotifications
from operations.reconciliation.models import Books
from shared.contracts.events import Event
from shared.runtime import clock
from shared.storage.dynamodb import Item, Table, to_wire
from tools.local.arguments import Parser, Where, add_where, where
from tools.progress import Problem, exit_code, step
from tools.reconcile import Stored, scanned, stored

TABLES: Final = ("users", "credentials", "products", "orders", "notifications")
STEPS: Final = ("beside", "stop", "back", "start", "emails", "tidy")
_WORKER_OF_EMAILS: Final = "NotificationsWorker"
# Not restored: the sandbox's ledger stands for the provider's, circuits are of the present.
_NOT_RESTORED: Final = ("SANDBOX-PAYMENT#", "CIRCUITS")
_NO_LEASE: Final = timedelta()
_BEING_SWITCHED: Final = ("Creating", "Enabling", "Disabling", "Updating")
_SWITCH_SECONDS: Final = 300.0


@dataclass(frozen=True)
class Written:
    """What `bring_back` has done to a table."""

    put: int = 0
    deleted: int = 0
    kept: int = 0


def bring_back(
    live: Table,
    restored: Iterable[Item],
    *,
    only_missing: bool = False,
    erased: Collection[str] = (),
) -> Written:
    """Make the table as the restored items are; what is equal is not written.

    Args:
        only_missing: write only what does not exist any more, and delete nothing.
        erased: the ids of users whose items are not restored.
    """
    now = {(item["pk"], item["sk"]): item for item in scanned(live)}
    then = {(item["pk"], item["sk"]): item for item in restored}
    put = deleted = kept = 0
    for key in now.keys() | then.keys():
        if now.get(key) == then.get(key):
            continue
        versions = now.get(key, {}), then.get(key, {})
        is_erased = key[0].partition("#")[2] in erased or any(
            item.get("user_id") in erased for item in versions
        )
        if key[0].startswith(_NOT_RESTORED) or is_erased or (only_missing and key in now):
            kept += 1
        elif key in then:
            live.client.put_item(TableName=live.name, Item=to_wire(then[key]))
            put += 1
        else:
            wire = to_wire({"pk": key[0], "sk": key[1]})
            live.client.delete_item(TableName=live.name, Key=wire)
            deleted += 1
    return Written(put, deleted, kept)


def erased_users(users: Iterable[Item], *, since: str) -> dict[str, int]:
    """The users who were erased, with the version of the event that says so."""
    found: dict[str, int] = {}
    for item in users:
        event = item.get("event", {})
        if event.get("type") == "user.erased" and item["at"] >= since:
            found[event["aggregate_id"]] = event["version"]
    return found


def erase_again(users: Table, erased: Mapping[str, int]) -> None:
    """Publish the erasures again: every service erases what a restored table has brought back."""
    for id_, version in erased.items():
        users.update_unseen(
            {"pk": f"USER#{id_}", "sk": f"EVENT#{version:010d}"},
            "SET #unsent = :shard, #repeated = :shard",
            values={"shard": "0"},
        )


def note_sent(notifications: Table, books: Books) -> int:
    """Note as sent, without an e-mail, the notification of each event that has an earlier one: the
    restored order has come to the same status again. Return how many."""
    port = DynamoNotifications(notifications)
    made = {notification_id(event) for event, _ in _events(books)}
    kept = {one["id"] for one in books.notifications}
    # Their events are gone with what was restored. Each is repeated at most once.
    earlier: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for one in books.notifications:
        if one["id"] not in made:
            earlier[one.get("order_id", ""), one["type"]].append(one)
    noted = 0
    for event, order in _events(books):
        repeated = earlier[event.aggregate_id, event.type]
        if not repeated or notification_id(event) in kept:
            continue
        before = repeated.pop()
        again = Notification(
            id=notification_id(event),
            type=event.type,
            subject=before["subject"],
            body=before["body"],
            channel="email",
            status="pending",
            order_id=event.aggregate_id,
            created_at=event.at,
        )
        box = mailbox(order["user_id"])
        claim = port.claim(box, again, now=clock.now(), lease=_NO_LEASE)
        if claim:
            port.mark_sent(box, again.position, message_id="sent before", at=clock.now())
            noted += 1
    return noted


def _events(books: Books) -> Iterator[tuple[Event, Item]]:
    for id_, order in books.orders.items():
        for event in books.events.get(id_, ()):
            yield event, order


class Restoration:
    """The steps, on the shop of a stack.

    Args:
        at: the moment that the tables are restored to.
        names: which of `TABLES`.
    """

    def __init__(self, shop: Where, at: datetime, names: Sequence[str]) -> None:
        self._shop = shop
        self._at = at
        self._names = names
        self._dynamodb = shop.client("dynamodb")
        self._lambda = shop.client("lambda")
        cloudformation = shop.client("cloudformation")
        pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=shop.stack)
        self._resources = [one for page in pages for one in page["StackResourceSummaries"]]

    def _made(self, type_: str) -> dict[str, str]:
        return {
            one["LogicalResourceId"]: one["PhysicalResourceId"]
            for one in self._resources
            if one["ResourceType"] == type_
        }

    def _live(self, name: str) -> Table:
        return Table(self._made("AWS::DynamoDB::Table")[f"{name.title()}Table"], self._dynamodb)

    def _beside(self, name: str) -> str:
        return f"{self._live(name).name}-{self._at:%Y%m%d-%H%M%S}"[:255]

    def beside(self) -> None:
        for name in self._names:
            with step(f"{name} beside") as progress:
                self._restore(name)
                self._dynamodb.get_waiter("table_exists").wait(
                    TableName=self._beside(name), WaiterConfig={"Delay": 5, "MaxAttempts": 8640}
                )
                progress.note(self._beside(name))

    def _restore(self, name: str) -> None:
        source, target = self._live(name).name, self._beside(name)
        try:
            if self._shop.endpoint is None:
                self._dynamodb.restore_table_to_point_in_time(
                    SourceTableName=source,
                    TargetTableName=target,
                    RestoreDateTime=self._at,
                    # It is only read, and indexes take the longest.
                    GlobalSecondaryIndexOverride=[],
                )
            else:
                # The emulator ignores the time and restores the present: it has backups instead.
                self._dynamodb.restore_table_from_backup(
                    TargetTableName=target, BackupArn=self._backup(source)
                )
        except self._dynamodb.exceptions.TableAlreadyExistsException:
            return

    def _backup(self, table: str) -> str:
        found = self._dynamodb.list_backups(TableName=table)["BackupSummaries"]
        before = [one for one in found if one["BackupCreationDateTime"] <= self._at]
        if not before:
            raise Problem(f"There is no backup of {table} before {self._at:%H:%M:%S} UTC.")
        newest = max(before, key=lambda one: one["BackupCreationDateTime"])
        return str(newest["BackupArn"])

    def stop(self) -> None:
        with step("close the shop"):
            for function in self._entries():
                self._lambda.put_function_concurrency(
                    FunctionName=function, ReservedConcurrentExecutions=0
                )
            self._switch_sources(is_on=False)

    def start(self) -> None:
        with step("open the shop"):
            self._switch_sources(is_on=True, but=_WORKER_OF_EMAILS)
            for function in self._entries():
                self._lambda.delete_function_concurrency(FunctionName=function)

    def _entries(self) -> list[str]:
        """The functions that the API calls."""
        functions = self._made("AWS::Lambda::Function")
        return [name for id_, name in functions.items() if id_.endswith(("Api", "Webhooks"))]

    def _switch_sources(self, *, is_on: bool, but: str = "") -> None:
        for id_, uuid in self._made("AWS::Lambda::EventSourceMapping").items():
            if not but or not id_.startswith(but):
                self._settled_state(uuid)
                self._lambda.update_event_source_mapping(UUID=uuid, Enabled=is_on)
        events = self._shop.client("events")
        for rule in self._made("AWS::Events::Rule").values():
            name = rule.rpartition("/")[2]
            (events.enable_rule if is_on else events.disable_rule)(Name=name)
        self._settled_states()

    def _settled_states(self) -> set[str]:
        return set(map(self._settled_state, self._made("AWS::Lambda::EventSourceMapping").values()))

    def _settled_state(self, uuid: str) -> str:
        """The state of an event source. It is read from until it is disabled, and AWS refuses to
        switch it while it is being switched."""
        give_up = time.monotonic() + _SWITCH_SECONDS
        while True:
            state = str(self._lambda.get_event_source_mapping(UUID=uuid)["State"])
            if state not in _BEING_SWITCHED:
                return state
            if time.monotonic() > give_up:
                raise Problem(f"The event source {uuid} stays {state}: repeat the step.")
            time.sleep(1)

    def back(self) -> None:
        if self._settled_states() - {"Disabled"}:
            raise Problem("The shop is open: STEP=stop first.")
        users = self._live("users")
        erased = erased_users(scanned(users), since=clock.rfc3339(self._at))
        for name in self._names:
            with step(f"{name} back") as progress:
                restored = scanned(Table(self._beside(name), self._dynamodb))
                written = bring_back(
                    self._live(name),
                    restored,
                    # No record of a sent e-mail is lost.
                    only_missing=name == "notifications",
                    # Orders are erased by their service: they come back as they were.
                    erased=erased if name in ("users", "credentials") else (),
                )
                progress.note(
                    f"{written.put} written, {written.deleted} deleted, {written.kept} kept"
                )
        with step("erase again") as progress:
            erase_again(users, erased)
            progress.note(f"{len(erased)} users")

    def emails(self) -> None:
        place: Stored = stored(self._shop)
        with step("note e-mails") as progress:
            noted = note_sent(place.tables["NotificationsTable"], place.books())
            progress.note(f"{noted} were sent before")
        with step("send e-mails again"):
            self._switch_sources(is_on=True)

    def tidy(self) -> None:
        for name in self._names:
            with (
                step(f"delete {name} beside"),
                suppress(self._dynamodb.exceptions.ResourceNotFoundException),
            ):
                self._dynamodb.delete_table(TableName=self._beside(name))


def moment(text: str) -> datetime:
    """For argparse. In UTC: the tables beside are named after it."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"AT={text} is no time such as 2026-11-22T10:00:00Z"
        ) from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def _tables(text: str) -> list[str]:
    if unknown := set(text.split()) - set(TABLES):
        raise argparse.ArgumentTypeError(f"TABLES are of {', '.join(TABLES)}, not {min(unknown)}")
    return text.split() or list(TABLES)


def main() -> None:
    parser = Parser(prog="make restore", description=__doc__)
    add_where(parser)
    parser.add_argument("--at", type=moment, required=True)
    parser.add_argument("--tables", type=_tables, required=True)
    parser.add_argument("--step", choices=STEPS, required=True)
    options = parser.parse_args()
    try:
        restoration = Restoration(where(options), options.at, options.tables)
        steps = {name: getattr(restoration, name) for name in STEPS}
        steps[options.step]()
    except (BotoCoreError, ClientError) as cause:
        raise Problem(f"AWS refuses: {cause}") from None
    following = STEPS[STEPS.index(options.step) + 1 :]
    print(f"▸ next: STEP={following[0]}" if following else "▸ done")


if __name__ == "__main__":
    sys.exit(exit_code(main))
