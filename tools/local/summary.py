"""What `make run` prints when the shop is open."""

from rich.console import Console

from tools.local import stripe
from tools.local.shop import Shop
from tools.seed.__main__ import PASSWORD


def on(port: int) -> str:
    """The argument of `make` for the shop on that port."""
    return "" if port == 3000 else f" PORT={port}"


def show(console: Console, shop: Shop, *, detached: bool) -> None:
    """Print where the shop is, who can log in and what to try first."""
    url, suffix = shop.url, on(shop.port)
    console.print("\nThe shop is open.", style="bold")
    for name, value in (
        ("shop", f"{url}/shop/"),
        ("console", f"{url}/console/"),
        ("api", url),
        ("docs", f"{url}/docs"),
        ("admin", f"admin@example.com  {PASSWORD}"),
        ("customer", f"alice@example.com  {PASSWORD}"),
        ("mail", f"make mail{suffix}"),
        ("aws", shop.endpoint),
        *([("limits", "as prod's firewall has them")] if shop.has_limits else []),
        *([("stripe", f"{shop.stripe}  {stripe.KEY}")] if shop.stripe_port else []),
        ("redeploy", f"make deploy-local{suffix}"),
        ("stop", f"make stop{suffix}" if detached else "Ctrl-C"),
    ):
        console.print(f"  [dim]{name:<10}[/dim]{value}", highlight=False, soft_wrap=True)
    console.print("\nTry it:", style="bold")
    json_body = f'{{"email": "alice@example.com", "password": "{PASSWORD}"}}'
    log_in = f"curl -s {url}/api/v1/auth/login -H 'Content-Type: application/json' -d '{json_body}'"
    cut = """sed -E 's/.*"access_token": *"([^"]+)".*/\\1/'"""
    for line in (
        f"curl -s '{url}/api/v1/products?limit=3&sort=price'",
        f"TOKEN=$({log_in} | {cut})",
        f'curl -s {url}/api/v1/users/me -H "Authorization: Bearer $TOKEN"',
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True, markup=False)
    console.print()
