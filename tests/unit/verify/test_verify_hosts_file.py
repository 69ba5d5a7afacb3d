"""What /etc/hosts says."""

from __future__ import annotations

import pytest

from verify.hosts_file import addresses_of


@pytest.mark.parametrize(
    ("text", "addresses"),
    [
        ("10.0.2.101 node\n", ["10.0.2.101"]),
        ("10.0.2.101\tother Node  # mine\n", ["10.0.2.101"]),
        ("127.0.1.1 node\n10.0.2.101 node\n", ["127.0.1.1", "10.0.2.101"]),
        ("10.0.2.101 node\n10.0.2.101 node node\n", ["10.0.2.101"]),
        ("#10.0.2.101 node\n\n   \n", []),
        ("10.0.2.101 node2 my-node\n", []),
        ("10.0.2.101 #node\n", []),
        ("fe80::1 node\n", []),
        ("::1 node\n", ["127.0.0.1"]),
        ("10.0.2 node\n10.0.2.1011 node\nnode node\n", []),
        ("\x00\ufffd\u2028 node\n10.0.2.101 node", ["10.0.2.101"]),
    ],
)
def test_addresses_of_a_name(text: str, addresses: list[str]) -> None:
    assert addresses_of("node", text) == addresses
