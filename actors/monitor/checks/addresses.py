"""Judges addresses: which are never reached, which are inside, how they are written."""

import re
import socket
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import urlsplit

import httpx

#: Metadata services of clouds, which hand out credentials; 169.254.169.254 is
#: link-local.
METADATA = tuple(
    ip_network(text)
    for text in (
        "fd00:ec2::254/128",  # AWS over IPv6
        "fd20:ce::254/128",  # Google over IPv6
        "100.100.100.200/32",  # Alibaba
        "168.63.129.16/32",  # Azure's wire server
        "192.0.0.192/32",  # Oracle
    )
)
#: IPv6 forms that carry an IPv4 address in their last 32 bits: NAT64 (RFC 6052),
#: SIIT's translated addresses (RFC 2765), and IPv4-compatible ones.
ENDING_IN_IPV4 = tuple(
    ip_network(text) for text in ("64:ff9b::/96", "::ffff:0:0:0/96", "::/96")
)
#: A network's own NAT64 (RFC 8215), with a prefix of 48 to 96 bits.
LOCAL_NAT64 = ip_network("64:ff9b:1::/48")
THIS_NETWORK = ip_network("0.0.0.0/8")
#: The interface identifiers of ISATAP (RFC 5214), before the IPv4 address.
ISATAP = frozenset({0x00005EFE, 0x02005EFE})
#: Carriers share it among customers; `ipaddress` does not call it private.
SHARED = ip_network("100.64.0.0/10")
#: The only part of IPv6 that is routed over the Internet.
GLOBAL_UNICAST = ip_network("2000::/3")

Address = IPv4Address | IPv6Address

_NETLOC = re.compile(
    r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<name>[A-Za-z0-9._-]+))"
    r"(?::(?P<port>[1-9][0-9]{0,4}))?"
)
_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
#: Systems read names that end so as an IPv4 address in octal, in hex or as one number.
_NUMERIC = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_DEFAULT_PORTS = {"http": 80, "https": 443}
MAX_NAME_CHARS = 253


def check_url(text: str) -> str:
    """Return an http address unchanged if every program reads it in the same way.

    Raises:
        ValueError: with the part that is wrong, and how it is written.
    """
    wish = "must be an address like https://api.example.com"
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        message = f"{wish}, in plain ASCII"
        raise ValueError(message)
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise ValueError(wish) from error
    if parts.scheme not in _DEFAULT_PORTS:
        raise ValueError(wish)
    if "@" in parts.netloc:
        message = "must not contain a user or password; use a header"
        raise ValueError(message)
    match = _NETLOC.fullmatch(parts.netloc)
    if match is None:
        message = f"{wish}: host and port can't be read"
        raise ValueError(message)
    if match["port"] is not None and int(match["port"]) > 65_535:
        message = "must have a port from 1 to 65535"
        raise ValueError(message)
    if match["ipv6"] is not None:
        _check_ipv6(match["ipv6"])
    else:
        _check_name(match["name"])
    try:
        httpx.URL(text)
    except (httpx.InvalidURL, ValueError) as error:
        # For example a label that begins with xn-- and is no Punycode.
        message = f"{wish}: the host name can't be read"
        raise ValueError(message) from error
    return text


def split_origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port of an address that `check_url` has accepted."""
    parts = urlsplit(url)
    host = (parts.hostname or "").removesuffix(".")
    return parts.scheme, host, parts.port or _DEFAULT_PORTS[parts.scheme]


def read_literal(host: str) -> Address | None:
    """Return the address that a host is written as; None for a name.

    `localhost` is this machine by definition (RFC 6761).
    """
    name = host.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return IPv4Address("127.0.0.1")
    try:
        return ip_address(host.partition("%")[0])
    except ValueError:
        return None


def why_refused(text: str, *, allow_private: bool) -> str | None:
    """Return why an address is forbidden; None if it is allowed."""
    addresses = find_embedded(text)
    if any(_is_never_reached(address) for address in addresses):
        return "link-local and metadata addresses are not checked"
    if any(_is_nobodys(address) for address in addresses):
        return "this address belongs to no service"
    if not allow_private and is_inside(text):
        return "this runtime does not check private addresses"
    return None


def is_inside(text: str) -> bool:
    """True if the address is of this machine or of a private network."""
    return any(_is_private(address) for address in find_embedded(text))


def is_loopback(text: str) -> bool:
    """True if the address is this machine's own."""
    return any(address.is_loopback for address in find_embedded(text))


def is_own_machine(text: str) -> bool:
    """True if an interface of this machine has the address."""
    for address in find_embedded(text):
        family = socket.AF_INET if address.version == 4 else socket.AF_INET6
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                # Only an address of our own can be bound. Nothing is sent.
                probe.bind((str(address), 0))
        except OSError:
            continue
        return True
    return False


def find_embedded(text: str) -> tuple[Address, ...]:
    """Return the IPv4 addresses that an IPv6 address carries, or else itself."""
    address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv4Address) or address.is_loopback:
        return (address,)
    if int(address) == 0:
        return (address,)
    number = int(address)
    if address.ipv4_mapped is not None:
        return (address.ipv4_mapped,)
    if address.sixtofour is not None:
        return (address.sixtofour,)
    if address.teredo is not None:
        return address.teredo
    if address in LOCAL_NAT64:
        return _read_nat64(number)
    last = IPv4Address(number & 0xFFFFFFFF)
    if any(address in network for network in ENDING_IN_IPV4):
        return (last,)
    if (number >> 32) & 0xFFFFFFFF in ISATAP:
        return (address, last)
    return (address,)


def _read_nat64(number: int) -> tuple[Address, ...]:
    """Return the IPv4 address for each length that the network's prefix may have.

    Bits 64 to 71 are left out of it (RFC 6052, 2.2).
    """
    low = number & ((1 << 56) - 1)
    joined = ((number >> 64) << 56) | low
    # Without the left-out bits, an address after a prefix of n bits ends at bit n + 32.
    found = [IPv4Address(joined >> (120 - n - 32) & 0xFFFFFFFF) for n in (48, 56, 64)]
    found.append(IPv4Address(number & 0xFFFFFFFF))
    # With another prefix than the network's, zeros are read.
    return tuple(one for one in found if one not in THIS_NETWORK) or (found[-1],)


def _is_never_reached(address: Address) -> bool:
    return address.is_link_local or any(address in network for network in METADATA)


def _is_nobodys(address: Address) -> bool:
    return (
        address.is_unspecified
        or address.is_multicast
        or address == IPv4Address("255.255.255.255")
    )


def _is_private(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        return not address.is_global or address not in GLOBAL_UNICAST
    return not address.is_global or address in SHARED


def _check_ipv6(host: str) -> None:
    try:
        IPv6Address(host)
    except ValueError as error:
        message = f"[{host}] is no IPv6 address"
        raise ValueError(message) from error


def _check_name(host: str) -> None:
    labels = host.removesuffix(".").split(".")
    if _NUMERIC.fullmatch(labels[-1]):
        try:
            IPv4Address(host)
        except ValueError as error:
            message = (
                f"{host[:60]} is no IPv4 address; write four numbers from 0 to 255,"
                " without leading zeros"
            )
            raise ValueError(message) from error
        return
    if len(host) > MAX_NAME_CHARS or not all(map(_LABEL.fullmatch, labels)):
        message = (
            "must have a host name of letters, digits and hyphens, with 1 to 63"
            f" characters between two dots and {MAX_NAME_CHARS} in all"
        )
        raise ValueError(message)
