"""What the monitor needs done outside: someone who carries notices."""

from collections.abc import Mapping
from typing import Protocol

from actors.monitor.errors import MonitorError
from persistence.alerts import Errand


class NoticeRefusedError(MonitorError):
    """The notice could not be delivered."""

    def __init__(self, message: str = "", *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class Way(Protocol):
    """One kind of route."""

    async def carry(self, errand: Errand, target: Mapping[str, object]) -> None:
        """Deliver a notice; `target` is what the route's owner wrote, decrypted.

        Raises:
            NoticeRefusedError: it was not taken; unless permanent, worth another try.
        """
        ...
