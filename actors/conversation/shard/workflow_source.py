"""Reads workflows from the database for a shard."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

import asyncpg
import structlog
from pydantic import ValidationError

from actors.workflow.definition import Definition, VersionRef
from actors.workflow.documents import read_definition
from actors.workflow.triggers import ActiveWorkflow
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY, DatabaseAwayError
from persistence.ids import TenantId, WorkflowId
from persistence.workflows import fetch_active, fetch_versions

#: A statement that the server refuses is a bug, and no fault of the events that wait:
#: the shard keeps them and asks again, as for its own reads.
UNREAD: tuple[type[Exception], ...] = (*DATABASE_AWAY, asyncpg.PostgresError)

log = structlog.get_logger("workflows")


class StoredWorkflows:
    """The `WorkflowSource` of `workflow_catalog.py`, on a pool of connections."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    async def fetch_active(
        self, tenants: Collection[TenantId]
    ) -> Mapping[TenantId, Sequence[ActiveWorkflow]]:
        """Fetch the active workflows. Raises DatabaseAwayError."""
        try:
            rows = await fetch_active(self._pool, tenants)
        except UNREAD as error:
            raise DatabaseAwayError(repr(error)) from error
        found: dict[TenantId, list[ActiveWorkflow]] = defaultdict(list)
        for row in rows:
            ref = VersionRef(row.workflow_id, row.version)
            definition = _read(ref, row.definition)
            if definition is not None:
                found[row.tenant_id].append(ActiveWorkflow(ref, definition))
        return found

    async def fetch_definitions(
        self, versions: Collection[VersionRef]
    ) -> Mapping[VersionRef, Definition]:
        """Fetch the versions that there are. Raises DatabaseAwayError."""
        wanted = [(one.workflow_id, one.version) for one in versions]
        try:
            rows = await fetch_versions(self._pool, wanted)
        except UNREAD as error:
            raise DatabaseAwayError(repr(error)) from error
        found = (
            (VersionRef(WorkflowId(row.workflow_id), row.version), row.definition)
            for row in rows
        )
        read = {ref: _read(ref, text) for ref, text in found}
        return {ref: one for ref, one in read.items() if one is not None}


def _read(ref: VersionRef, text: str) -> Definition | None:
    """Read a stored definition; one that a newer release wrote may be unreadable."""
    try:
        return read_definition(text)
    except ValidationError as error:
        log.error(  # noqa: TRY400 - the error quotes the tenant's words
            "workflow_unreadable",
            workflow_id=str(ref.workflow_id),
            version=ref.version,
            faults=error.error_count(),
        )
        return None
