"""Networks and hosts in settings, such as those of trusted proxies."""

from ipaddress import ip_address, ip_network
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_settings import NoDecode


def read_networks(value: object) -> object:
    """Read a comma list of networks; a plain address is a network of one.

    Raises:
        ValueError: a part is no network.
    """
    parts = value.split(",") if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)):
        return value
    networks: list[str] = []
    for part in (str(part).strip() for part in parts):
        if not part:
            continue
        try:
            network = ip_network(part, strict=False)
        except ValueError as error:
            message = "must be networks such as 10.0.0.0/8,192.0.2.7"
            raise ValueError(message) from error
        if network.prefixlen == 0:
            message = f"{part} is the whole internet: name the networks of your proxies"
            raise ValueError(message)
        networks.append(str(network))
    return tuple(networks)


NetworkList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(read_networks)]


def is_loopback(host: str) -> bool:
    """Whether a host is this machine and nobody else reaches it."""
    try:
        address = ip_address(host.strip("[]").partition("%")[0])
    except ValueError:
        return host == "localhost"
    mapped = address.ipv4_mapped if address.version == 6 else None
    return (mapped or address).is_loopback
