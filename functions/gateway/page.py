"""The documentation page: Swagger UI on the API's own document."""

from typing import Final

from gateway.site import File

# Nothing from elsewhere, and no inline script. Swagger UI writes style attributes, and has its
# icons as data: URLs.
CONTENT_SECURITY_POLICY: Final = "; ".join(
    [
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "style-src-attr 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
)

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Bodega API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="$root/docs/swagger-ui.css">
<link rel="stylesheet" href="$root/docs/page.css">
</head>
<body>
<div id="swagger-ui" data-document="$root/openapi.json"></div>
<p><a href="$root/asyncapi.json">The events that the shop publishes (AsyncAPI 3)</a></p>
<noscript>This page needs JavaScript; the document itself is at
<a href="$root/openapi.json">openapi.json</a>.</noscript>
<script src="$root/docs/swagger-ui-bundle.js"></script>
<script src="$root/docs/start.js"></script>
</body>
</html>
"""

_START = """\
SwaggerUIBundle({
  url: document.getElementById("swagger-ui").dataset.document,
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
"""

_STYLE = """\
body { margin: 0; background: #fafafa }
body > p { margin: 20px; font-family: sans-serif }
"""


def page(root_path: str) -> str:
    """The page of an API whose paths all begin with `root_path`."""
    return _PAGE.replace("$root", root_path)


ASSETS: Final = {
    "start.js": File(_START.encode(), "text/javascript; charset=utf-8"),
    "page.css": File(_STYLE.encode(), "text/css; charset=utf-8"),
}
