"""Bodies that are being read, counted by the client that sends them."""

import contextlib
from collections import Counter
from collections.abc import Iterator

from deployments.http.errors import TooManyRequestsError

TOO_MANY = "Too many requests are being sent at once. Wait until one is through."


class OpenBodies:
    """Limits how many bodies of one client are held in memory at once."""

    def __init__(self, max_per_client: int, max_total: int) -> None:
        self._max_per_client = max_per_client
        self._max_total = max_total
        self._open: Counter[str | None] = Counter()

    @contextlib.contextmanager
    def hold(self, client: str | None) -> Iterator[None]:
        """Hold a place while a body is read.

        `client` is an address or an account; None, an unknown one, counts in the total
        alone.

        Raises:
            TooManyRequestsError: the client, or all together, have too many open.
        """
        has_own = client is not None and self._open[client] >= self._max_per_client
        if has_own or self._open.total() >= self._max_total:
            raise TooManyRequestsError(TOO_MANY)
        self._open[client] += 1
        try:
            yield
        finally:
            self._open[client] -= 1
            if not self._open[client]:
                del self._open[client]
