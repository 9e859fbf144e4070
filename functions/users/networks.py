"""Networks that requests come from, as far as limits tell them apart."""

import ipaddress


def network(source: str) -> str:
    """An IPv4 address, or the /64 of IPv6 of which one subscriber may use any address."""
    try:
        address = ipaddress.ip_address(source)
    except ValueError:
        return source
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is None:
            return str(ipaddress.ip_network((address, 64), strict=False))
        address = address.ipv4_mapped
    return str(ipaddress.ip_network(address))
