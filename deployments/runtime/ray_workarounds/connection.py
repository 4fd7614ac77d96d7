"""Refuses an address of Ray where nobody listens at once, not after minutes.

Ray: 2.60.0
Problem: `ray.init(address=...)` goes on trying for minutes where nobody listens, and no
    argument of it limits the time.
Needless: `ray.init` takes a timeout for the connection.
"""

import socket
from datetime import timedelta

CONNECT_TIMEOUT = timedelta(seconds=5)


def check_reachable(address: str) -> None:
    """Open a connection to `address` and close it. Raises OSError where none opens."""
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if colon:  # "auto" has none, and finds its cluster in a file.
        timeout = CONNECT_TIMEOUT.total_seconds()
        socket.create_connection((host.strip("[]"), int(port)), timeout).close()
