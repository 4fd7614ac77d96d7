"""Reads a tenant's checks, finds what was odd, and keeps anomalies and digests."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from uuid import uuid5

from actors.monitor.analysis.anomaly import Rules
from actors.monitor.analysis.digest import (
    rank_services,
    render_odd_time,
    render_overall,
    render_results,
    render_service,
)
from actors.monitor.analysis.digest_words import Language, find_language
from actors.monitor.analysis.facts import (
    WEEK,
    DigestFacts,
    OddTime,
    ServiceFacts,
    Span,
    build_overall,
    build_service_facts,
)
from actors.monitor.analysis.features import Series, build_series
from actors.monitor.rules.events import AnomalyFound
from deployments.monitoring.anomaly_alerts import tell_anomalies
from deployments.monitoring.digest_rewriter import BY_RULES, Wording, Wordsmith
from persistence.analysis import (
    CheckColumns,
    fetch_check_columns,
    fetch_result_ids,
    fetch_service_names,
    upsert_anomaly,
    upsert_digests,
)
from persistence.database import Connection
from persistence.ids import AnomalyId, DigestId, ResultId, ServiceId, TenantId
from persistence.monitor import AnomalyRow, DigestRow
from persistence.tenants import fetch_tenant

#: Services read at a time: some megabytes.
CHUNK = 100
#: The period's own time of a week ago must be there whole.
HISTORY = WEEK
#: Ids kept with an anomaly, the first ones.
MAX_RESULT_IDS = 50
#: Services whose digest a model words beside that of all: each is a call.
MAX_WORDED = 5


@dataclass(frozen=True, slots=True)
class Analysis:
    """What came of an analysis."""

    tenant_id: TenantId
    period_start: datetime
    period_end: datetime
    services: int
    checks: int
    anomaly_count: int
    #: Services with too little past.
    learning: int
    written_by: str
    #: Notices of anomalies that were not known before.
    told: int


class Analyst:
    """Analyses tenants, one at a time, over one connection."""

    def __init__(
        self, db: Connection, wordsmith: Wordsmith, rules: Rules | None = None
    ) -> None:
        self._db = db
        self._wordsmith = wordsmith
        self._rules = rules or Rules()

    async def analyze(
        self,
        tenant_id: TenantId,
        until: datetime,
        span: timedelta,
        service_id: ServiceId | None = None,
    ) -> Analysis | None:
        """Analyse a tenant's checks; None when there is no such tenant or service.

        With a service only that one is judged, and there is no digest of all.
        """
        tenant = await fetch_tenant(self._db, tenant_id)
        names = await fetch_service_names(self._db, tenant_id, service_id)
        if tenant is None or (service_id is not None and not names):
            return None
        period = Span(until - span, until)
        facts, series = await self._judge(tenant_id, names, period)
        overall = build_service_facts(
            None, "", build_overall(series), period, self._rules
        )
        if sum(one.now.checks > 0 for one in facts) < 2:
            # One service alone is not "all of them together".
            overall = replace(overall, odd=())
        told = DigestFacts(period, overall, tuple(facts))
        found = [await self._identify(tenant_id, one) for one in (overall, *facts)]
        told = DigestFacts(period, found[0], tuple(found[1:]))
        language = find_language(tenant.language)
        written_by = await self._write(tenant_id, told, language, service_id)
        count = await self._keep_anomalies(tenant_id, told, language)
        return Analysis(
            tenant_id=tenant_id,
            period_start=period.begin,
            period_end=period.end,
            services=len(facts),
            checks=sum(one.now.checks for one in facts),
            anomaly_count=sum(len(one.anomalies) for one in found),
            learning=sum(one.is_learning for one in facts),
            written_by=written_by,
            told=count,
        )

    async def _judge(
        self, tenant_id: TenantId, names: dict[ServiceId, str], period: Span
    ) -> tuple[list[ServiceFacts], list[Series]]:
        facts: list[ServiceFacts] = []
        known: list[Series] = []
        since = period.begin - HISTORY
        ids = list(names)
        chunks = [ids[begin : begin + CHUNK] for begin in range(0, len(ids), CHUNK)]
        reading: asyncio.Task[Mapping[ServiceId, CheckColumns]] | None = None
        try:
            for index, chunk in enumerate(chunks):
                columns = await (reading or self._read(tenant_id, chunk, since, period))
                if index + 1 < len(chunks):
                    # PostgreSQL gathers the next ones while these are judged.
                    following = chunks[index + 1]
                    reading = asyncio.create_task(
                        self._read(tenant_id, following, since, period)
                    )
                found = await asyncio.to_thread(
                    _judge, chunk, names, columns, period, self._rules
                )
                facts.extend(one for one, _ in found)
                known.extend(series for _, series in found)
        finally:
            if reading is not None:
                reading.cancel()
        return facts, known

    async def _read(
        self,
        tenant_id: TenantId,
        services: Sequence[ServiceId],
        since: datetime,
        period: Span,
    ) -> Mapping[ServiceId, CheckColumns]:
        return await fetch_check_columns(
            self._db, tenant_id, services, since, period.end
        )

    async def _identify(self, tenant_id: TenantId, one: ServiceFacts) -> ServiceFacts:
        """Add the ids of the odd results; all services together have none."""
        if one.service_id is None or not one.odd:
            return one
        odd: list[OddTime] = []
        for time in one.odd:
            ids = await fetch_result_ids(
                self._db, tenant_id, one.service_id, time.checked_at, MAX_RESULT_IDS
            )
            odd.append(replace(time, result_ids=ids))
        return replace(one, odd=tuple(odd))

    async def _write(
        self,
        tenant_id: TenantId,
        facts: DigestFacts,
        language: Language,
        service_id: ServiceId | None,
    ) -> str:
        """Write and keep the digests; return who worded the first of them."""
        names = [one.name for one in facts.services]
        rows: list[DigestRow] = []
        if service_id is None:
            by_rules = render_overall(facts, language)
            wording = await self._wordsmith.word(by_rules, language, names)
            every = (facts.overall, *facts.services)
            rows.append(_digest(tenant_id, facts, every, wording, language))
        worst = {one.service_id for one in rank_services(facts.services)[:MAX_WORDED]}
        for one in facts.services:
            wording = Wording(render_service(one, facts.period, language), BY_RULES)
            if one.service_id in worst or service_id is not None:
                wording = await self._wordsmith.word(wording.text, language, names)
            rows.append(_digest(tenant_id, facts, (one,), wording, language))
        await upsert_digests(self._db, rows)
        return rows[0].written_by if rows else BY_RULES

    async def _keep_anomalies(
        self, tenant_id: TenantId, facts: DigestFacts, language: Language
    ) -> int:
        """Keep anomalies and the notices of new ones, all or nothing."""
        until = facts.period.end
        new: list[tuple[ServiceId, AnomalyFound]] = []
        async with self._db.transaction():
            for one in (facts.overall, *facts.services):
                for odd in one.anomalies:
                    row = _anomaly(tenant_id, one, odd, facts.period)
                    is_new = await upsert_anomaly(self._db, row)
                    if not is_new or one.service_id is None:
                        continue
                    text = render_odd_time(odd, language, of_all=False)
                    event = AnomalyFound(
                        ResultId(row.id), until, text, row.feature, row.score
                    )
                    new.append((one.service_id, event))
            return await tell_anomalies(self._db, new, until)


def _judge(
    services: Sequence[ServiceId],
    names: Mapping[ServiceId, str],
    columns: Mapping[ServiceId, CheckColumns],
    period: Span,
    rules: Rules,
) -> list[tuple[ServiceFacts, Series]]:
    """Say what happened to some services; takes seconds."""
    judged: list[tuple[ServiceFacts, Series]] = []
    for service_id in services:
        found = columns.get(service_id)
        series = (
            build_series(found.at, found.latency_ms, found.ok)
            if found is not None
            else build_series([], [])
        )
        facts = build_service_facts(
            service_id, names[service_id], series, period, rules
        )
        judged.append((facts, series))
    return judged


def _anomaly(
    tenant_id: TenantId, one: ServiceFacts, odd: OddTime, period: Span
) -> AnomalyRow:
    key = f"anomaly:{odd.began_at.isoformat()}"
    return AnomalyRow(
        id=AnomalyId(uuid5(one.service_id or tenant_id, key)),
        tenant_id=tenant_id,
        service_id=one.service_id,
        started_at=odd.began_at,
        ended_at=odd.ended_at,
        score=odd.score,
        feature=odd.oddness[0].feature,
        details={"oddness": [asdict(reason) for reason in odd.oddness]},
        result_ids=odd.result_ids,
        created_at=period.end,
    )


def _digest(
    tenant_id: TenantId,
    told: DigestFacts,
    every: Sequence[ServiceFacts],
    wording: Wording,
    language: Language,
) -> DigestRow:
    """Build a digest of the first of `every`, which counts the oddness of all."""
    period, subject = told.period, every[0]
    key = f"digest:{period.begin.isoformat()}/{period.end.isoformat()}"
    facts = asdict(subject)
    for odd in facts["odd"]:
        # Every single check is in the results; here it is the anomaly that counts.
        odd.pop("checked_at")
    odd_times = [time for one in every for time in one.anomalies]
    # The ids stand below the text, and come from us: no model can misspell them.
    results = render_results(odd_times, language)
    return DigestRow(
        id=DigestId(uuid5(subject.service_id or tenant_id, key)),
        tenant_id=tenant_id,
        service_id=subject.service_id,
        period_start=period.begin,
        period_end=period.end,
        summary_text=f"{wording.text}\n{results}" if results else wording.text,
        anomaly_count=len(odd_times),
        facts=facts,
        written_by=wording.written_by,
        created_at=period.end,
    )
