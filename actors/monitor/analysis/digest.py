"""Writes digests from facts by rules, and states nothing beyond the facts."""

from collections.abc import Iterator, Sequence
from itertools import islice

from actors.monitor.analysis.digest_words import (
    WORDS,
    Advice,
    Language,
    render_instant,
    render_name,
    render_number,
)
from actors.monitor.analysis.facts import (
    DatedEpisode,
    DigestFacts,
    Outage,
    ServiceFacts,
    Span,
)
from actors.monitor.analysis.features import Feature

#: The least difference to the week before that is mentioned.
MIN_CHANGE = 0.1
#: Services named in the overall digest, anomalies and result ids of one service.
MAX_NAMED, MAX_ANOMALIES, MAX_IDS = 5, 3, 6
_DISTANCES = frozenset({Feature.JUMP, Feature.TIME_OF_DAY, Feature.TREND})
_ADVICE = {
    Feature.JUMP: Advice.SLOWER,
    Feature.LEVEL: Advice.SLOWER,
    Feature.TIME_OF_DAY: Advice.SLOWER,
    Feature.SPREAD: Advice.UNSTEADY,
    Feature.TREND: Advice.DRIFT,
    Feature.ERRORS: Advice.ERRORS,
}


def render_service(facts: ServiceFacts, period: Span, language: Language) -> str:
    """Render the digest of one service."""
    return " ".join(
        (
            _heading(facts, period, language),
            *_events(facts, language),
            *_advice(choose_advice(facts), language),
        )
    )


def render_overall(facts: DigestFacts, language: Language) -> str:
    """Render the overall digest: the figures, then the most affected services."""
    words, overall = WORDS[language], facts.overall
    sentences = [
        _heading(overall, facts.period, language),
        *_events(overall, language),
    ]
    worst = rank_services(facts.services)
    named = worst[:MAX_NAMED]
    if worst:
        names = [
            f"{render_name(one.name, language)}"
            f" ({render_number(len(one.anomalies) + len(one.outages), language)})"
            for one in named
        ]
        separator = "، " if language is Language.PERSIAN else ", "
        sentences.append(words.more.format(names=separator.join(names)))
    for one in named:
        sentences.append(render_name(one.name, language) + ":")
        sentences.extend(_troubles(one, language, limit=1))
    advice = dict.fromkeys(
        choice for one in (overall, *named) for choice in choose_advice(one)
    )
    return " ".join([*sentences, *_advice(list(advice), language)])


def rank_services(services: Sequence[ServiceFacts]) -> list[ServiceFacts]:
    """Rank the services in trouble: those still down first, then by severity."""

    def badness(one: ServiceFacts) -> tuple[bool, int, float]:
        is_down = any(outage.is_open for outage in one.outages)
        failed = sum(outage.checks for outage in one.outages)
        return (
            is_down,
            failed,
            max((episode.score for episode in one.anomalies), default=0.0),
        )

    troubled = [one for one in services if one.anomalies or one.outages]
    return sorted(troubled, key=badness, reverse=True)


def render_results(episodes: Sequence[DatedEpisode], language: Language) -> str:
    """Render the line of result ids; empty when there are none."""
    ids = list(islice((str(i) for one in episodes for i in one.result_ids), MAX_IDS))
    if not ids:
        return ""
    listed = ", ".join(render_name(one, language) for one in ids)
    return WORDS[language].results.format(ids=listed)


def render_deviation(episode: DatedEpisode, language: Language, *, of_all: bool) -> str:
    """Render an anomaly by its largest deviation."""
    words, worst = WORDS[language], episode.deviations[0]
    return words.deviation.format(
        begin=render_instant(episode.began_at, language),
        end=render_instant(episode.ended_at, language),
        feature=words.features[worst.feature],
        value=_measure(worst.value, worst.feature, language, of_all=of_all),
        usual=_measure(worst.usual, worst.feature, language, of_all=of_all),
        ratio=render_number(worst.ratio, language, 1),
    )


def choose_advice(facts: ServiceFacts) -> list[Advice]:
    """Choose recommendations, the most urgent first."""
    chosen: list[Advice] = []
    if any(outage.is_open for outage in facts.outages):
        chosen.append(Advice.DOWN_NOW)
    elif facts.outages:
        chosen.append(Advice.WAS_DOWN)
    if facts.anomalies and facts.service_id is None:
        chosen.append(Advice.ALL_TOGETHER)
    for one in facts.anomalies[:MAX_ANOMALIES]:
        worst = one.deviations[0]
        advice = _ADVICE[worst.feature]
        if advice is Advice.SLOWER and worst.value < worst.usual:
            advice = Advice.QUICKER
        chosen.append(advice)
    return list(dict.fromkeys(chosen))


def _heading(facts: ServiceFacts, period: Span, language: Language) -> str:
    words = WORDS[language]
    is_all = facts.service_id is None
    return words.heading.format(
        name=words.everything if is_all else render_name(facts.name, language),
        begin=render_instant(period.begin, language),
        end=render_instant(period.end, language),
    )


def _events(facts: ServiceFacts, language: Language) -> Iterator[str]:
    words = WORDS[language]
    if not facts.now.checks:
        yield words.no_checks
        return
    yield _count(facts, language) + "."
    if facts.now.p50_ms is not None and facts.service_id is not None:
        yield _latency(facts, language) + "."
    troubles = list(_troubles(facts, language, limit=MAX_ANOMALIES))
    yield from troubles
    recurring = sum(one.is_recurring for one in facts.episodes)
    if recurring:
        yield words.recurring.format(count=render_number(recurring, language))
    if facts.is_learning:
        yield words.learning
    elif not troubles and not recurring:
        yield words.nothing


def _troubles(facts: ServiceFacts, language: Language, limit: int) -> Iterator[str]:
    for outage in facts.outages:
        yield _outage(outage, language)
    worst = sorted(facts.anomalies, key=lambda one: -one.score)[:limit]
    for one in sorted(worst, key=lambda episode: episode.began_at):
        deviation = render_deviation(one, language, of_all=facts.service_id is None)
        yield WORDS[language].anomaly.format(deviation=deviation)


def _count(facts: ServiceFacts, language: Language) -> str:
    words, now = WORDS[language], facts.now
    text = words.checks.format(
        checks=render_number(now.checks, language),
        failed=render_number(now.failed, language),
        uptime=_share(now.uptime or 0.0, language),
    )
    if facts.week_before is not None and facts.week_before.uptime is not None:
        before = _share(facts.week_before.uptime, language)
        text += words.before.format(uptime=before)
    return text


def _latency(facts: ServiceFacts, language: Language) -> str:
    words, now, before = WORDS[language], facts.now, facts.week_before
    text = words.latency.format(
        p50=_milliseconds(now.p50_ms or 0.0, language),
        p95=_milliseconds(now.p95_ms or 0.0, language),
    )
    if before is None or not before.p50_ms or now.p50_ms is None:
        return text
    change = now.p50_ms / before.p50_ms - 1
    if abs(change) < MIN_CHANGE:
        return text
    return text + (words.slower if change > 0 else words.quicker).format(
        share=_share(abs(change), language),
        p50=_milliseconds(before.p50_ms, language),
    )


def _outage(outage: Outage, language: Language) -> str:
    words = WORDS[language]
    return (words.open_outage if outage.is_open else words.outage).format(
        begin=render_instant(outage.began_at, language),
        end=render_instant(outage.ended_at, language),
        checks=render_number(outage.checks, language),
    )


def _advice(chosen: Sequence[Advice], language: Language) -> Iterator[str]:
    if not chosen:
        return
    words = WORDS[language]
    yield words.advice_heading + " ".join(words.advice[one] for one in chosen)


def _measure(
    value: float, feature: Feature, language: Language, *, of_all: bool
) -> str:
    if feature is Feature.ERRORS:
        return _share(value, language)
    if of_all:
        # An index: 100 is what each service usually takes.
        return _share(value / 100, language)
    sign = "+" if feature in _DISTANCES and value > 0 else ""
    return sign + _milliseconds(value, language)


def _share(share: float, language: Language) -> str:
    number = render_number(share * 100, language, 1)
    return WORDS[language].percent.format(number=number)


def _milliseconds(value: float, language: Language) -> str:
    decimals = 1 if abs(value) < 10 else 0
    number = render_number(value, language, decimals)
    return WORDS[language].ms.format(number=number)
