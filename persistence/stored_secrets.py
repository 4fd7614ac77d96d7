"""All columns that hold encrypted secrets, and the change of their key."""

from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from persistence.database import Pool
from persistence.errors import SecretUnreadableError
from persistence.queries import load_queries
from persistence.secrets import Cipher

_SQL = load_queries("stored_secrets")
#: Rows that are locked at once.
STEP = 200


@dataclass(frozen=True, slots=True)
class SecretColumn:
    """A column of encrypted values: how users call it, and its two statements."""

    label: str
    table: str
    column: str
    lock: str
    store: str


#: A test compares this list with the columns of the schema.
SECRET_COLUMNS = (
    SecretColumn(
        "tokens of channels",
        "channels",
        "access_token",
        _SQL["lock_channel_tokens"],
        _SQL["store_channel_token"],
    ),
    SecretColumn(
        "webhook secrets of channels",
        "channels",
        "webhook_secret",
        _SQL["lock_webhook_secrets"],
        _SQL["store_webhook_secret"],
    ),
    SecretColumn(
        "headers of services",
        "services",
        "headers",
        _SQL["lock_service_headers"],
        _SQL["store_service_headers"],
    ),
    SecretColumn(
        "targets of alert routes",
        "alert_routes",
        "target",
        _SQL["lock_route_targets"],
        _SQL["store_route_target"],
    ),
    SecretColumn(
        "links of alert routes",
        "alert_routes",
        "confirmation_token",
        _SQL["lock_confirmation_tokens"],
        _SQL["store_confirmation_token"],
    ),
    SecretColumn(
        "visitor secrets of channels",
        "channels",
        "visitor_secret",
        _SQL["lock_visitor_secrets"],
        _SQL["store_visitor_secret"],
    ),
    SecretColumn(
        "signing secrets of workflows",
        "workflow_signing_secrets",
        "secret",
        _SQL["lock_signing_secrets"],
        _SQL["store_signing_secret"],
    ),
)


@dataclass(frozen=True, slots=True)
class Rotation:
    """How many values were encrypted anew, were current, and can't be read."""

    rotated: int = 0
    current: int = 0
    unreadable: int = 0

    def __add__(self, other: "Rotation") -> "Rotation":
        """Add two counts."""
        return Rotation(
            self.rotated + other.rotated,
            self.current + other.current,
            self.unreadable + other.unreadable,
        )

    @property
    def seen(self) -> int:
        """How many values there were."""
        return self.rotated + self.current + self.unreadable


async def rotate_column(
    pool: Pool,
    cipher: Cipher,
    column: SecretColumn,
    report: Callable[[Rotation], None],
    *,
    step: int = STEP,
) -> Rotation:
    """Encrypt the values of a column by the cipher's first key.

    Each step of `step` rows is committed by itself and then reported with all before
    it: what was interrupted goes on where it stopped. Values that no key reads are left
    as they are.
    """
    total, after = Rotation(), UUID(int=0)
    while True:
        async with pool.acquire() as db, db.transaction():
            rows = await db.fetch(column.lock, after, step)
            for row in rows:
                if cipher.is_current(row["secret"]):
                    total += Rotation(current=1)
                    continue
                try:
                    secret = cipher.rotate(row["secret"])
                except SecretUnreadableError:
                    total += Rotation(unreadable=1)
                    continue
                await db.execute(column.store, row["id"], secret)
                total += Rotation(rotated=1)
        if not rows:
            return total
        after = rows[-1]["id"]
        report(total)
