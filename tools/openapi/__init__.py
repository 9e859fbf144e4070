"""The API's one OpenAPI 3.1 document, made of the services' own routes, and the AsyncAPI 3 document
of the events, made of their models: `python -m tools.openapi <folder>`."""
