"""The workflows that a shard knows: triggers by tenant, definitions by version."""

from collections import OrderedDict
from collections.abc import Collection, Iterable, Mapping
from typing import Protocol

from actors.conversation.events import Event, Inbound, WorkflowTriggered
from actors.conversation.state import Conversation
from actors.workflow.definition import Definition, Graph, VersionRef, build_graph
from actors.workflow.triggers import (
    NO_TRIGGERS,
    ActiveWorkflow,
    TriggerTable,
    compile_triggers,
)
from persistence.ids import TenantId

#: Some ten kilobytes each.
MAX_GRAPHS = 2000


class WorkflowSource(Protocol):
    """Where workflows are stored."""

    async def fetch_active(
        self, tenants: Collection[TenantId]
    ) -> Mapping[TenantId, Iterable[ActiveWorkflow]]:
        """Fetch the active workflows. Raises DatabaseAwayError."""
        ...

    async def fetch_definitions(
        self, versions: Collection[VersionRef]
    ) -> Mapping[VersionRef, Definition]:
        """Fetch the versions that there are. Raises DatabaseAwayError."""
        ...


class NoWorkflows:
    """A source without any."""

    async def fetch_active(
        self, tenants: Collection[TenantId]
    ) -> Mapping[TenantId, Iterable[ActiveWorkflow]]:
        """Return none."""
        return dict.fromkeys(tenants, ())

    async def fetch_definitions(
        self, versions: Collection[VersionRef]
    ) -> Mapping[VersionRef, Definition]:
        """Return none."""
        del versions
        return {}


class WorkflowCatalog:
    """Caches a source: `prepare` reads what a batch needs, all else is in memory."""

    def __init__(self, source: WorkflowSource) -> None:
        self._source = source
        self._tables: dict[TenantId, TriggerTable] = {}
        self._graphs: OrderedDict[VersionRef, Graph] = OrderedDict()
        #: Counts what was forgotten: a table that was read before then is stale.
        self._changes = 0
        self._stale: set[TenantId] = set()

    def forget(self, payload: str) -> None:
        """Forget a tenant's triggers, as they changed; all, if the payload is empty."""
        self._changes += 1
        if payload:
            for tenant in [one for one in self._tables if str(one) == payload]:
                del self._tables[tenant]
        else:
            self._tables.clear()

    async def prepare(
        self, events: Iterable[Event], states: Iterable[Conversation]
    ) -> None:
        """Read what these events and states need. Raises DatabaseAwayError."""
        # Before the batch, which needs all that is read for it.
        while len(self._graphs) > MAX_GRAPHS:
            self._graphs.popitem(last=False)
        for tenant in self._stale:
            self._tables.pop(tenant, None)
        self._stale.clear()
        tenants: set[TenantId] = set()
        versions: set[VersionRef] = set()
        for state in states:
            tenants.add(state.tenant_id)
            if state.runs:
                versions |= state.versions_run
        for event in events:
            if isinstance(event, Inbound):
                tenants.add(event.tenant_id)
            elif isinstance(event, WorkflowTriggered):
                versions.add(event.workflow)
        await self._read_tables(tenants - self._tables.keys())
        for ref in versions & self._graphs.keys():
            self._graphs.move_to_end(ref)
        await self._read_graphs(versions - self._graphs.keys())

    def table_of(self, tenant: TenantId) -> TriggerTable:
        """Return the tenant's triggers, as far as they were read."""
        return self._tables.get(tenant, NO_TRIGGERS)

    @property
    def book(self) -> Mapping[VersionRef, Graph]:
        """The definitions that were read."""
        return self._graphs

    async def _read_tables(self, tenants: Collection[TenantId]) -> None:
        if not tenants:
            return
        changes = self._changes
        active = await self._source.fetch_active(tenants)
        for tenant in tenants:
            workflows = tuple(active.get(tenant, ()))
            table = compile_triggers(workflows)
            self._keep({one.ref: one.definition for one in workflows})
            self._tables[tenant] = table
        if changes != self._changes:
            # Something changed meanwhile: read again for the next batch.
            self._stale.update(tenants)

    async def _read_graphs(self, versions: Collection[VersionRef]) -> None:
        if versions:
            self._keep(await self._source.fetch_definitions(versions))

    def _keep(self, definitions: Mapping[VersionRef, Definition]) -> None:
        for ref, definition in definitions.items():
            self._graphs[ref] = build_graph(definition)
