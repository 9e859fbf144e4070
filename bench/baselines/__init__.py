"""The same three routes of the catalogue, written three times as good engineers write them every day.

Each folder is a function's package as it is deployed: `app.handler`, with its dependencies in a layer.
"""
