"""Sends the mails of workflows: to confirmed addresses and customers, each once."""

from dataclasses import dataclass
from datetime import datetime

import orjson
import structlog

from actors.monitor.alert_dispatcher import AlertRefusedError
from actors.workflow.ports import WorkTask
from actors.workflow.run import SendMail, StepDone, StepFailed
from deployments.monitoring.mail import Mail, MailServer, check_address
from persistence.alert_routes import fetch_confirmed_mail_targets
from persistence.database import Pool
from persistence.errors import DATABASE_AWAY
from persistence.ids import TenantId
from persistence.secrets import Cipher
from persistence.workflow_mails import (
    MailClaim,
    MailLimits,
    MailState,
    claim_mail,
    settle_mail,
)

#: To one address in a day, whichever tenants write: strangers may name it in a chat.
MAILS_PER_ADDRESS = 10
NO_SERVER = "this runtime has no mail server (PILITO_SMTP_URL)"
BAD_ADDRESS = "the customer's e-mail address is not one like name@example.com"
NONE_CONFIRMED = "your business has no confirmed e-mail address; see its alert routes"
SEVERAL_CONFIRMED = "your business has several confirmed e-mail addresses: name one"
NOT_CONFIRMED = "this address of your business is not confirmed; see its alert routes"
SENT_BEFORE = "it was sent before"
UNCERTAIN = "the mail may have been sent, so it is not sent again"
ADDRESS_LIMIT = f"{MAILS_PER_ADDRESS} mails were sent to this address within a day"

log = structlog.get_logger("workflows")


class AddressRefusedError(Exception):
    """No mail of this workflow may go there; the text says why."""


@dataclass(slots=True)
class MailSender:
    """Hands mails in, if the settings name a server."""

    pool: Pool
    cipher: Cipher
    server: MailServer | None
    #: Mails of a tenant in an hour.
    per_hour: int

    async def send(
        self, task: WorkTask, work: SendMail, at: datetime
    ) -> StepDone | StepFailed:
        """Send the step's mail, unless it may have left before.

        A person who gets a mail twice is bothered, and can't know an idempotency key
        as programs do: so an outcome that is lost is a failure, and never a repetition.
        """
        if self.server is None:
            return StepFailed(task.step, NO_SERVER, is_permanent=True)
        try:
            address = await self._choose_address(task.tenant_id, work)
        except AddressRefusedError as error:
            return StepFailed(task.step, str(error), is_permanent=True)
        limits = MailLimits(self.per_hour, MAILS_PER_ADDRESS)
        async with self.pool.acquire() as db, db.transaction():
            claim = await claim_mail(
                db, task.tenant_id, task.run_id, task.step, address, at, limits
            )
        match claim:
            case MailClaim.CLAIMED:
                mail = Mail(
                    to=address,
                    subject=work.subject,
                    text=work.text,
                    id=f"{task.run_id}.{task.step}",
                    at=at,
                )
                return await self._hand_in(task, self.server, mail)
            case MailClaim.SENT:
                return StepDone(task.step, detail=SENT_BEFORE)
            case MailClaim.UNCERTAIN:
                return StepFailed(task.step, UNCERTAIN, is_permanent=True)
            case MailClaim.TENANT_LIMIT:
                reason = f"your business has sent {self.per_hour} mails within an hour"
                return StepFailed(task.step, reason)
            case MailClaim.ADDRESS_LIMIT:
                return StepFailed(task.step, ADDRESS_LIMIT, is_permanent=True)

    async def _choose_address(self, tenant_id: TenantId, work: SendMail) -> str:
        """Return whom the mail goes to. Raises AddressRefusedError."""
        if work.is_to_customer:
            try:
                return check_address(work.address.strip())
            except ValueError as error:
                raise AddressRefusedError(BAD_ADDRESS) from error
        targets = await fetch_confirmed_mail_targets(self.pool, tenant_id)
        known = [
            str(orjson.loads(self.cipher.decrypt(target))["to"]) for target in targets
        ]
        by_name = {address.lower(): address for address in known}
        if not by_name:
            raise AddressRefusedError(NONE_CONFIRMED)
        wanted = work.address.strip().lower()
        if not wanted and len(by_name) > 1:
            raise AddressRefusedError(SEVERAL_CONFIRMED)
        if not wanted:
            return known[0]
        if wanted not in by_name:
            raise AddressRefusedError(NOT_CONFIRMED)
        return by_name[wanted]

    async def _hand_in(
        self, task: WorkTask, server: MailServer, mail: Mail
    ) -> StepDone | StepFailed:
        try:
            await server.send(mail)
        except AlertRefusedError as error:
            if error.is_uncertain:
                # It stays claimed.
                return StepFailed(task.step, UNCERTAIN, is_permanent=True)
            await self._settle(task, MailState.RETURNED)
            return StepFailed(task.step, str(error), is_permanent=error.permanent)
        await self._settle(task, MailState.SENT)
        return StepDone(task.step)

    async def _settle(self, task: WorkTask, state: MailState) -> None:
        try:
            await settle_mail(self.pool, task.tenant_id, task.run_id, task.step, state)
        except DATABASE_AWAY as error:
            # The outcome is known here, and the step ends with it. Another attempt
            # would find the mail uncertain.
            log.warning("mail_not_settled", key=task.key, error=repr(error))
