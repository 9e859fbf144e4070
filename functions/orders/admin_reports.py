"""What the payment provider reports to the shop's admins, such as disputes: events that make
notifications, and belong to no order. Stripe's report of a dispute names only its payment.

    pk               sk
    REPORT#<id>      EVENT#0000000001    a report, by the provider's id of it
"""

from contextlib import suppress

from shared.contracts.events import Event, PaymentReportData
from shared.messaging import outbox
from shared.storage.dynamodb import ConditionFailed, Table


class AdminReports:
    """Records each report as an event in the outbox, under the key `REPORT#<id>`."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def record(self, report: Event) -> None:
        """Record a report, once however often the provider sends it."""
        data = PaymentReportData.model_validate(report.data).model_dump()
        fact = outbox.event(
            "payment.reported", aggregate_id=report.id, version=1, at=report.at, data=data
        )
        put = outbox.recording(self._table, f"REPORT#{report.id}", fact)
        with suppress(ConditionFailed):
            self._table.put(put.item, condition="attribute_not_exists(#pk)")
