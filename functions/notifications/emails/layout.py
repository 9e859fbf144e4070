"""An e-mail as plain text and as HTML, in which everything that people typed is escaped."""

from collections.abc import Sequence
from html import escape
from string import Template

from shared.contracts.events import OrderData
from shared.money import to_text

# E-mail clients support tables and inline styles, and little else.
_PAGE = Template("""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>$subject</title>
</head>
<body style="margin:0;padding:24px;background:#f5f4f1">
<div style="max-width:560px;margin:0 auto;padding:32px;background:#ffffff;border-radius:8px;\
font:16px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;color:#222222">
<h1 style="margin:0 0 16px;font-size:22px;line-height:1.3">$subject</h1>
$content
<p style="margin:32px 0 0;color:#767676;font-size:14px">Bodega</p>
</div>
</body>
</html>
""")

_PARAGRAPH = Template('<p style="margin:0 0 16px">$text</p>')
_LINK = Template('<p style="margin:0 0 16px"><a href="$url">$url</a></p>')
_ROW = Template("""\
<tr><td style="width:1%;padding:6px 12px 6px 0;text-align:right">$quantity&nbsp;&times;</td>
<td style="padding:6px 12px 6px 0">$name</td>
<td style="padding:6px 0;text-align:right;white-space:nowrap">$amount</td></tr>""")
_TABLE = Template("""\
<table style="width:100%;margin:0 0 16px;border-collapse:collapse">
$rows
<tr><td colspan="2" style="padding:8px 12px 0 0;border-top:1px solid #dddddd">\
<strong>Total</strong></td>
<td style="padding:8px 0 0;border-top:1px solid #dddddd;text-align:right;white-space:nowrap">\
<strong>$total</strong></td></tr>
</table>""")


def as_text(
    name: str | None,
    paragraphs: Sequence[str],
    order: OrderData | None = None,
    url: str | None = None,
) -> str:
    """The e-mail as plain text, the URL after its first paragraph."""
    first, *others = paragraphs
    parts = [_greeting(name), first, *([url] if url else []), *others]
    if order:
        parts += [_lines(order), _reference(order)]
    return "\n\n".join([*parts, "Bodega"]) + "\n"


def as_html(
    subject: str,
    name: str | None,
    paragraphs: Sequence[str],
    order: OrderData | None = None,
    url: str | None = None,
) -> str:
    """The e-mail as an HTML document, the URL after its first paragraph."""
    parts = [_paragraph(text) for text in (_greeting(name), *paragraphs)]
    if url:
        parts.insert(2, _LINK.substitute(url=escape(url)))
    if order:
        parts += [_table(order), _paragraph(_reference(order))]
    return _PAGE.substitute(subject=escape(subject), content="\n".join(parts))


def _greeting(name: str | None) -> str:
    return f"Hello {name}," if name else "Hello,"


def _reference(order: OrderData) -> str:
    return f"Order {order.order_id}"


def _amount(minor: int, currency: str) -> str:
    return f"{to_text(minor)} {currency}"


def _lines(order: OrderData) -> str:
    """The order's lines, with their amounts in a column."""
    rows = [
        (
            f"{line.quantity} \N{MULTIPLICATION SIGN} {line.name}",
            _amount(line.total_minor, order.currency),
        )
        for line in order.lines
    ]
    rows.append(("Total", _amount(order.total_minor, order.currency)))
    label_width = max(len(label) for label, _ in rows)
    amount_width = max(len(amount) for _, amount in rows)
    return "\n".join(
        f"  {label:<{label_width}}  {amount:>{amount_width}}" for label, amount in rows
    )


def _table(order: OrderData) -> str:
    rows = [
        _ROW.substitute(
            quantity=line.quantity,
            name=escape(line.name),
            amount=_amount(line.total_minor, order.currency),
        )
        for line in order.lines
    ]
    return _TABLE.substitute(rows="\n".join(rows), total=_amount(order.total_minor, order.currency))


def _paragraph(text: str) -> str:
    return _PARAGRAPH.substitute(text=escape(text))
