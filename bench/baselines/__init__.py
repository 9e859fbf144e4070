"""The same three routes of the catalogue, written four times, as is usual.

Each folder is a function's package: `app.handler`, with its dependencies in a layer. `catalogue.py`
is packed beside each.
"""
