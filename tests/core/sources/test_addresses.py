"""Which addresses pages may come from, however they are spelled or wrapped."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.sources.addresses import PUBLIC_ONLY, allowed, spelled_address

PRIVATE = (
    "127.0.0.1 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 0.1.2.3 192.0.0.8 "
    "192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.9 192.88.99.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 "
    "::1 :: fe80::1 fec0::1 fc00::1 fd00:ec2::254 ff02::1 2001:db8::1 2001::1 2001:2::1 100::1 3fff::1 5f00::1 "
    "::ffff:127.0.0.1 ::ffff:10.0.0.1 ::127.0.0.1 ::ffff:0:10.0.0.1 64:ff9b::10.0.0.1 64:ff9b:1::8.8.8.8 "
    "2002:7f00:1:: 2002:a9fe:a9fe::1 168.63.129.16 64:ff9b::168.63.129.16 "
    # ISATAP, with its bits as they may be; and what nobody was ever given
    "fe80::5efe:8.8.8.8 2606:4700::5efe:10.0.0.1 2606:4700::200:5efe:127.0.0.1 2606:4700::300:5efe:169.254.169.254 "
    "2002:808:808::5efe:192.168.0.1 100:0:0:1::1 200::1 400::1 4000::1 8000::1 e000::1 fe00::1"
)
PUBLIC = (
    "8.8.8.8 93.184.216.34 172.32.0.1 2606:4700::1111 2a00:1450:4001::1 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 "
    "2002:808:808:: 2606:4700::5efe:8.8.8.8 2606:4700::a00:1"
)


@pytest.mark.parametrize("text", PRIVATE.split())
def test_special_addresses_are_refused(text: str) -> None:
    assert not PUBLIC_ONLY.lets("acme.com", ipaddress.ip_address(text))


@pytest.mark.parametrize("text", PUBLIC.split())
def test_public_addresses_are_let(text: str) -> None:
    assert PUBLIC_ONLY.lets("acme.com", ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "127.1",
        "127.0.1",
        "0177.0.0.1",
        "017700000001",
        "127.0.0.1.",
    ],
)
def test_spellings_of_loopback(host: str) -> None:
    assert spelled_address(host) == ipaddress.ip_address("127.0.0.1")


@pytest.mark.parametrize("host", ["acme.com", "a.1com", "1.2.3.4.com", "0x7f.com", "localhost"])
def test_names_spell_no_address(host: str) -> None:
    assert spelled_address(host) is None


@pytest.mark.parametrize(
    "host",
    ["256.1.1.1", "1.2.3.4.5", "4294967296", "08.1.1.1", "a.b.1", "1..2", "9" * 6000, "0x" + "f" * 99],
)
def test_numbers_that_are_no_address(host: str) -> None:
    with pytest.raises(ValueError, match="number"):
        spelled_address(host)


@given(st.integers(0, 2**32 - 1))
def test_spellings_agree(number: int) -> None:
    address = ipaddress.IPv4Address(number)
    a, b, c, d = address.packed
    spellings = (
        str(number),
        hex(number),
        f"{a}.{number & 0xFFFFFF}",
        f"0{a:o}.{b:#x}.{c * 256 + d}",
        f"{address}.",
    )
    assert {spelled_address(one) for one in spellings} == {address}


@given(st.ip_addresses(v=4))
def test_wrapping_changes_nothing(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    wrapped = [(0xFFFF << 32) + number, (0x64FF9B << 96) + number, (0x2002 << 112) + (number << 80) + 1]
    wrapped.append((0x26064700 << 96) + (0x5EFE << 32) + number)
    assert {PUBLIC_ONLY.lets("a", ipaddress.IPv6Address(one)) for one in wrapped} == {
        PUBLIC_ONLY.lets("a", address)
    }


def test_exceptions_that_a_person_named() -> None:
    some = allowed(("10.1.0.0/16", "wiki.acme.internal", ".corp.acme.com", "fd12::/16"))
    address = ipaddress.ip_address
    assert some.lets("anything", address("10.1.2.3"))
    assert not some.lets("anything", address("10.2.2.3"))
    assert some.lets("Wiki.Acme.Internal.", address("192.168.0.1"))
    assert some.lets("docs.corp.acme.com", address("::1"))
    assert some.lets("corp.acme.com", address("10.9.9.9"))
    assert not some.lets("evilcorp.acme.com", address("10.9.9.9"))
    assert not some.lets("wiki.acme.internal.evil.com", address("10.9.9.9"))
    assert some.lets("x", address("fd12::1"))
    assert some.lets("x", address("fd12::5efe:192.168.0.1"))
    assert not some.lets("x", address("fd13::5efe:8.8.8.8"))


@pytest.mark.parametrize(
    "text",
    ["169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"],
)
def test_a_name_never_allows_the_metadata_service(text: str) -> None:
    address = ipaddress.ip_address(text)
    assert not allowed(("wiki.acme.internal",)).lets("wiki.acme.internal", address)
    assert allowed((text,)).lets("wiki.acme.internal", address)


@pytest.mark.parametrize("entry", ["", "*", "http://a", "a b", "10.0.0.0/99", "-a", "a..b", "1.2.3"])
def test_exceptions_that_make_no_sense(entry: str) -> None:
    with pytest.raises(ValueError, match="is no host name"):
        allowed((entry,))
