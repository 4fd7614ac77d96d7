"""Which addresses a check may never reach, and which only a trusted tenant's may."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

#: Where clouds answer with credentials, beside link-local 169.254.169.254.
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
#: IPv6 forms that carry an IPv4 address within: NAT64, and IPv4-compatible.
NAT64 = ip_network("64:ff9b::/96")
#: A network's own NAT64 (RFC 8215): the address stands last in whatever it is cut into.
LOCAL_NAT64 = ip_network("64:ff9b:1::/48")
COMPATIBLE = ip_network("::/96")
#: Private for all that `ipaddress` says otherwise: carriers share it among customers.
SHARED = ip_network("100.64.0.0/10")

Address = IPv4Address | IPv6Address


def why_refused(text: str, *, may_be_private: bool) -> str | None:
    """Return why a check may not reach the address; None when it may."""
    address = _unwrap(ip_address(text.partition("%")[0]))
    if address.is_link_local or any(address in network for network in METADATA):
        return "link-local and metadata addresses are not checked"
    if address.is_unspecified or address.is_multicast or _is_broadcast(address):
        return "this is the address of no service"
    if not may_be_private and is_inside(text):
        return "private addresses are not checked on this runtime"
    return None


def is_inside(text: str) -> bool:
    """Say whether the address is of this machine or a private network."""
    address = _unwrap(ip_address(text.partition("%")[0]))
    return not address.is_global or (
        isinstance(address, IPv4Address) and address in SHARED
    )


def is_loopback(text: str) -> bool:
    """Say whether the address is this machine's own."""
    return _unwrap(ip_address(text.partition("%")[0])).is_loopback


def _unwrap(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 one stands for."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address.sixtofour is not None:
            return address.sixtofour
        is_wrapped = any(
            address in network for network in (NAT64, LOCAL_NAT64, COMPATIBLE)
        )
        if is_wrapped and not (address.is_loopback or address.is_unspecified):
            return IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _is_broadcast(address: Address) -> bool:
    return address == IPv4Address("255.255.255.255")
