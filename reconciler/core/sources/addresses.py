"""Which network addresses a page may be fetched from: public ones, and those that a person allowed.

A link in a pull request must not reach the metadata service of a cloud, a router or a database beside the runner. What
is judged is the address that a connection is about to be made to, after the look-up, so that no name hides it; and
every address that carries another one (IPv4 in IPv6, NAT64, 6to4, ISATAP) is judged by both.
"""

from __future__ import annotations

import ipaddress
import re

from reconciler.core.frozen import dataclass

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_GLOBAL = ipaddress.ip_network("2000::/3")  # all that was ever given out to the internet
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
# What Python's tables call public in one release or another, or what leads elsewhere than it says.
_SPECIAL: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "168.63.129.16/32", "169.254.0.0/16",
        "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        "2001::/23", "2001:db8::/32", "3fff::/20",
    )
)  # fmt: skip
# Where clouds answer their machines: AWS, Google and most others; Alibaba, Azure and Oracle beside them.
_METADATA: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "fd20:ce::/32", "100.100.100.200/32", "168.63.129.16/32",
        "192.0.0.192/32",
    )
)  # fmt: skip
_NUMBERS = r"(?:0x[0-9a-f]*|[0-9]+)(?:\.(?:0x[0-9a-f]*|[0-9]+)){0,3}"


@dataclass(frozen=True, slots=True)
class Allowed:
    """Exceptions that a person named. `hosts` are names in lower case (`wiki.acme.internal`; `.acme.internal` is that
    domain and all below), `networks` addresses. A name never allows addresses where clouds keep credentials of
    machines: those have to be named as a network.
    """

    hosts: tuple[str, ...] = ()
    networks: tuple[Network, ...] = ()

    def lets(self, host: str, address: Address) -> bool:
        """Whether a connection to `address`, found for the name `host`, may be made."""
        return self._named(address) or all(self._one(host, one) for one in _carried(address))

    def _named(self, address: Address) -> bool:
        return any(address in network for network in self.networks)

    def _one(self, host: str, address: Address) -> bool:
        if not _is_special(address) or self._named(address):
            return True
        return self.names(host) and not any(address in network for network in _METADATA)

    def names(self, host: str) -> bool:
        host = plain_host(host)
        return any(host == one or (one[0] == "." and f".{host}".endswith(one)) for one in self.hosts if one)


PUBLIC_ONLY = Allowed()


def allowed(entries: tuple[str, ...]) -> Allowed:
    """From what a person wrote: networks (`10.1.0.0/16`), addresses and names. Raises `ValueError` with a reason."""
    hosts, networks = [], []
    for entry in entries:
        if (network := _network(entry)) is not None:
            networks.append(network)
        elif re.fullmatch(r"\.?(?:[a-z0-9_](?:[a-z0-9_-]{0,62})\.)*[a-z][a-z0-9-]{0,62}\.?", entry.lower()):
            hosts.append(entry.lower().rstrip("."))
        else:
            raise ValueError(f"`{entry}` is no host name, address or network")
    return Allowed(tuple(hosts), tuple(networks))


def plain_host(host: str) -> str:
    """A host as it is compared: lower case, without brackets and without dots at its end."""
    return host.lower().strip("[]").rstrip(".")


def spelled_address(host: str) -> Address | None:
    """The address that a host spells: also `2130706433`, `0x7f.1` and `0177.0.0.1`, as resolvers and browsers read
    them. None for a name. Raises `ValueError` for numbers that are no address, which nobody should look up.
    """
    host = plain_host(host).partition("%")[0]
    if ":" in host:
        return ipaddress.IPv6Address(host)
    last = host.rpartition(".")[2]
    if not re.fullmatch(r"0x[0-9a-f]*|[0-9]+", last):
        return None
    if not re.fullmatch(_NUMBERS, host):
        raise ValueError("its host is a number, but no address")
    *parts, rest = [_number(part) for part in host.split(".")]
    if any(part > 255 for part in parts) or rest >= 256 ** (4 - len(parts)):
        raise ValueError("its host is a number, but no address")
    return ipaddress.IPv4Address(sum(part << (24 - 8 * index) for index, part in enumerate(parts)) + rest)


def _number(text: str) -> int:
    try:
        if text.startswith("0x"):
            return int(text[2:] or "0", 16)
        return int(text, 8 if text.startswith("0") and len(text) > 1 else 10)
    except ValueError as error:  # an octal number with an 8, or thousands of digits
        raise ValueError("its host is a number, but no address") from error


def _network(entry: str) -> Network | None:
    try:
        return ipaddress.ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return None


def _carried(address: Address) -> tuple[Address, ...]:
    """The address, and those inside it that a router would send a packet to."""
    if isinstance(address, ipaddress.IPv4Address):
        return (address,)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address in _NAT64:
        return (_last_four(address),)
    found: list[Address] = [address]
    if address.sixtofour is not None:
        found = [address.sixtofour]
    # ISATAP, whatever its two bits say of the rest (RFC 5214, 6.1).
    if (int(address) >> 32) & 0xFCFFFFFF == 0x00005EFE:
        found.append(_last_four(address))
    return tuple(found)


def _last_four(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address:
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)


def _is_special(address: Address) -> bool:
    if address.version == 6 and address not in _GLOBAL:
        return True
    return any(address in network for network in _SPECIAL) or address.is_multicast or not address.is_global
