"""Any body at any webhook: no crash, no lost platform, no event beyond replay.

`FUZZ_SECONDS=60 pytest tests/trust/input/test_fuzzing.py` searches so long per webhook,
from another start each time; without it a few hundred bodies are tried, each time the
same.
"""

import os
import secrets
import time
from collections.abc import Callable, Iterator, Sequence

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from persistence.channels import ChannelKind
from tests.support.fuzzing import payloads
from tests.support.fuzzing.adapters import Webhooks
from tests.support.fuzzing.mutations import Body, bodies
from tests.support.walking.loop_thread import LoopThread

SECONDS = float(os.environ.get("FUZZ_SECONDS", "0"))
#: Bodies between two looks at the clock. A conversation is replayed after each of its
#: events, so each round has customers of its own.
PER_ROUND = 100
ROUNDS = 2

Builder = Callable[[int], Sequence[payloads.Json]]
BUILDERS: dict[ChannelKind, Builder] = {
    ChannelKind.INSTAGRAM: lambda number: payloads.instagram(
        str(900_000 + number), f"m{number}"
    ),
    ChannelKind.TELEGRAM: lambda number: payloads.telegram(7000 + number, number),
    ChannelKind.WEBSITE: lambda number: payloads.website(
        f"visitor-{number:04}-abcdefghijkl", f"c{number}"
    ),
}


@pytest.fixture
def loop_thread() -> Iterator[LoopThread]:
    with LoopThread() as thread:
        yield thread


@pytest.fixture
def webhooks(dsn: str, loop_thread: LoopThread) -> Iterator[Webhooks]:
    webhooks = loop_thread.run(Webhooks.open(dsn))
    yield webhooks
    loop_thread.run(webhooks.close())


@pytest.mark.slow  # hundreds of webhooks, each stored and replayed
@pytest.mark.timeout(180 + 3 * SECONDS)
@pytest.mark.parametrize("kind", BUILDERS, ids=str)
def test_no_body_breaks_a_webhook(
    kind: ChannelKind, webhooks: Webhooks, loop_thread: LoopThread
) -> None:
    first = secrets.randbits(32) if SECONDS else 0
    began, number = time.monotonic(), 0
    while time.monotonic() < began + SECONDS or number < ROUNDS:
        number += 1

        @seed(first + number)
        @settings(
            max_examples=PER_ROUND,
            deadline=None,
            database=None,
            # A smaller body would meet the conversation that this one left.
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(body=bodies(BUILDERS[kind](number)))
        def judge(body: Body) -> None:
            loop_thread.run(webhooks.judge(kind, body.content))

        judge()
    assert webhooks.n_judged >= number * PER_ROUND // 2
