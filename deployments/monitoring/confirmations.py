"""Mails the links by which addresses are confirmed."""

import asyncio
from datetime import timedelta

import orjson
import structlog

from actors.backoff import exponential_backoff
from actors.clock import Clock
from actors.monitor.alert_dispatcher import AlertRefusedError
from deployments.monitoring.mail import Mail, MailServer
from persistence import alert_routes
from persistence.database import Pool
from persistence.errors import SecretUnreadableError
from persistence.secrets import Cipher
from persistence.watch import Lease

POLL_INTERVAL_S = 3.0
MAX_ATTEMPTS = 5
FIRST_PAUSE = timedelta(seconds=30)
#: The page that the link opens.
PATH = "/confirm-alerts"

_ENGLISH = (
    "Confirm this address for alerts",
    "{tenant} asked that alerts of its health monitor, and mails of its workflows, are"
    " sent to this address.\n\n"
    "If you want them, open this page within three days and press the button:\n"
    "{link}\n\nOtherwise do nothing: nothing will be sent here.",
)
_PERSIAN = (
    "تأیید این نشانی برای دریافت هشدار",
    "{tenant} خواسته است هشدارهای پایش سرویس‌ها و ایمیل‌های گردش‌کارهایش به این نشانی"
    " فرستاده شود.\n\n"
    "اگر موافقید، تا سه روز دیگر این صفحه را باز کنید و دکمه را بزنید:\n"
    "{link}\n\nوگرنه کاری لازم نیست: چیزی به اینجا فرستاده نمی‌شود.",
)

log = structlog.get_logger("monitor")


class ConfirmationMailer:
    """Mails each link once; what certainly did not leave is tried again."""

    def __init__(
        self,
        pool: Pool,
        clock: Clock,
        cipher: Cipher,
        server: MailServer,
        base_url: str,
    ) -> None:
        self._pool = pool
        self._clock = clock
        self._cipher = cipher
        self._server = server
        self._base_url = base_url

    async def run(self, _: Lease) -> None:
        """Mail links as they are asked for. Each is claimed, so no lease is needed."""
        while True:
            while await self.send_next():
                pass
            await asyncio.sleep(POLL_INTERVAL_S)

    async def send_next(self) -> bool:
        """Mail the next link; False if there is none."""
        now = self._clock.now()
        pending = await alert_routes.claim_confirmation(self._pool, now)
        if pending is None:
            return False
        try:
            await self._server.send(self._build_mail(pending))
        except (AlertRefusedError, SecretUnreadableError) as error:
            log.warning("link_not_mailed", route_id=str(pending.id), reason=str(error))
            is_final = (
                error.permanent
                or getattr(error, "is_uncertain", False)
                or pending.attempts >= MAX_ATTEMPTS
            )
            await alert_routes.return_confirmation(
                self._pool,
                pending,
                None if is_final else pending.token,
                now + exponential_backoff(pending.attempts, FIRST_PAUSE),
                str(error),
            )
        return True

    def _build_mail(self, pending: alert_routes.PendingConfirmation) -> Mail:
        target = orjson.loads(self._cipher.decrypt(pending.target))
        token = self._cipher.decrypt(pending.token).decode()
        subject, text = _PERSIAN if pending.language == "fa" else _ENGLISH
        link = f"{self._base_url}{PATH}?token={token}"
        return Mail(
            to=str(target["to"]),
            subject=subject,
            text=text.format(tenant=pending.tenant_name, link=link),
            id=f"{pending.hash.hex()[:32]}.{pending.id}",
            at=self._clock.now(),
        )
