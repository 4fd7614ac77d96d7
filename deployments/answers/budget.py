"""How many answers the AI writes for one channel in a minute."""

from datetime import timedelta

import structlog

from actors.clock import Clock
from actors.conversation.errors import AnswerFailedError
from actors.conversation.reasons import FailureReason
from config import metrics
from deployments.http.errors import TooManyRequestsError
from deployments.rate_limit import RateLimiter
from persistence.ids import ChannelId

#: One line a minute tells as much as one for each customer of a flood.
LOG_PAUSE = timedelta(minutes=1)

log = structlog.get_logger("responder")


class AnswerBudget:
    """Counts the answers of each channel over a moving minute.

    Beyond the limit no answer is written: the questions stay, an operator is called,
    and the customer's next message is answered together with them.
    """

    def __init__(
        self, rate_limiter: RateLimiter, clock: Clock, per_minute: int
    ) -> None:
        self._rate_limiter = rate_limiter
        self._clock = clock
        self._per_minute = per_minute
        self._quiet_until = clock.now()

    async def spend(self, channel_id: ChannelId) -> None:
        """Count one answer.

        Raises:
            AnswerFailedError: it would be one too many; the text names the limit.
        """
        try:
            await self._rate_limiter.count(self._per_minute, "answers", str(channel_id))
        except TooManyRequestsError as error:
            metrics.AI_REPLIES_LIMITED.inc()
            self._tell(channel_id)
            raise AnswerFailedError(FailureReason.CHANNEL_LIMIT) from error

    def _tell(self, channel_id: ChannelId) -> None:
        now = self._clock.now()
        if now < self._quiet_until:
            return
        self._quiet_until = now + LOG_PAUSE
        log.warning(
            "answers_limited", channel_id=str(channel_id), per_minute=self._per_minute
        )
