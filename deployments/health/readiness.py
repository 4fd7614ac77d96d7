"""The health of all parts, asked for by many and probed once a second."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta

from deployments.health.probes import PartHealth, Probe, check_parts

#: Probing costs some eight calls to other processes.
FRESH_FOR = timedelta(seconds=1)


class Readiness:
    """Remembers the health of the parts for a moment; all who ask at once share it."""

    def __init__(self, fresh_for: timedelta = FRESH_FOR) -> None:
        self._fresh_for_s = fresh_for.total_seconds()
        self._probing: asyncio.Task[dict[str, PartHealth]] | None = None
        self._read_at = 0.0

    async def read(self, probes: Mapping[str, Probe]) -> Mapping[str, PartHealth]:
        """Return the health of each part, at most so old."""
        now = asyncio.get_running_loop().time()
        probing = self._probing
        is_stale = now - self._read_at >= self._fresh_for_s
        if probing is None or (probing.done() and is_stale):
            probing = asyncio.create_task(check_parts(probes))
            self._probing, self._read_at = probing, now
        # Whoever leaves must not end what the others wait for.
        return await asyncio.shield(probing)
