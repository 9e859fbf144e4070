"""The API's one OpenAPI 3.1 document, made of the services' own routes: `python -m tools.openapi <folder>`."""
