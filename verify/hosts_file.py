"""What /etc/hosts says, as the resolver of the C library reads it."""

from __future__ import annotations

from ipaddress import IPv4Address


def addresses_of(name: str, text: str) -> list[str]:
    """List the IPv4 addresses that the file gives a name.

    >>> addresses_of("web", "10.0.2.101 web  # mine\\n127.0.1.1 Web www\\n")
    ['10.0.2.101', '127.0.1.1']
    """
    addresses: dict[str, None] = {}
    for line in text.splitlines():
        address, *names = line.partition("#")[0].split() or [""]
        # Asked for IPv4, the resolver gives the machine's own address for IPv6's.
        address = "127.0.0.1" if address == "::1" else address
        if name.lower() in map(str.lower, names) and _is_ipv4(address):
            addresses[address] = None
    return list(addresses)


def _is_ipv4(address: str) -> bool:
    try:
        IPv4Address(address)
    except ValueError:
        return False
    return True
