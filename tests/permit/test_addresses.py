from __future__ import annotations

import pytest

from sampler.permit.addresses import is_internal, redact_addresses


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10.0.0.1", "~address"),
        ("nameserver 10.0.0.1", "nameserver ~address"),
        ("version 10.0.0.1", "version 10.0.0.1"),
        ("x==10.0.0.1", "x==10.0.0.1"),
        ("0.9.8.1 127.0.0.1 255.255.0.0", "0.9.8.1 127.0.0.1 255.255.0.0"),
        ("ip-10-1-2-3", "ip-~address"),
        ("ip-8-8-8-8", "ip-8-8-8-8"),
        ("a :: b", "a :: b"),
        ("fd00::1", "~address"),
        ("00:11:22:33:44:55", "~address"),
        ("0011.2233.44ff", "~address"),
        ("0011.2233.4455", "0011.2233.4455"),
        ("mac 001122334455", "mac ~address"),
        ("00:11:22:33:44:55:66:77", "00:11:22:33:44:55:66:77"),
    ],
)
def test_addresses_of_a_private_network_go(text: str, expected: str) -> None:
    """Private and hardware addresses go; versions, masks, fingerprints and operators that look alike stay."""
    assert redact_addresses(text) == expected


@pytest.mark.parametrize("name", ["192.168.1.1.", "fritz.box", "nas.home.arpa", "intranet", "FILES.LAN"])
def test_names_that_only_a_network_knows(name: str) -> None:
    """An address with a dot behind it, a router's own name, and names of one word are internal."""
    assert is_internal(name)
