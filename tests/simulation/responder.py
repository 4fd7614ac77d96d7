"""A simulated responder, which is quick, slow, broken, or fails."""

import asyncio
from random import Random

from actors.conversation.errors import AnswerFailedError
from actors.conversation.ports import AnswerJob, WrittenAnswer
from tests.simulation.faults import Faults
from tests.simulation.trace import Trace

#: More than Instagram takes at once: such an answer goes out in parts, no two of which
#: say the same, or no late echo could tell which of them it is.
LONG = "".join(f" and so on {number}" for number in range(160))


class SimulatedResponder:
    """Writes answers that name the questions which they answer."""

    def __init__(self, random: Random, faults: Faults, trace: Trace) -> None:
        self._random = random
        self._faults = faults
        self._trace = trace

    async def write(self, job: AnswerJob) -> WrittenAnswer:
        """Write the answer. Raises AnswerFailedError when there will be none."""
        self._trace.write("WRITE  for {}: {}", job.conversation_id, job.question_ids)
        is_slow = self._draw(self._faults.slow_answer)
        await asyncio.sleep(self._random.uniform(*((3, 60) if is_slow else (0.05, 2))))
        if self._draw(self._faults.failed_answer):
            raise AnswerFailedError
        if self._draw(self._faults.broken_answer):
            raise ZeroDivisionError
        text = render_answer(tuple(str(one) for one in job.question_ids), job.share)
        if self._draw(self._faults.broken_answer):
            text += self._random.choice(("\x00", "\ud83d"))
        if self._random.random() < 0.25:
            text += LONG
        return WrittenAnswer(text, is_handover=self._random.random() < 0.1)

    def _draw(self, chance: float) -> bool:
        return self._random.random() < chance


def render_answer(questions: tuple[str, ...], share: str) -> str:
    """Return the answer to these questions, which are about these shares."""
    return f"answer to {' '.join(questions)} about {' '.join(share.split())} ."


def read_answer(text: str) -> tuple[tuple[str, ...], list[str]]:
    """Return which questions and shares the answer says that it is about."""
    told = text.removeprefix("answer to ").split(" .")[0]
    questions, _, shares = told.partition(" about ")
    return tuple(questions.split()), sorted(shares.split())
