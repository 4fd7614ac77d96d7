"""What the database holds before a story of `tests/support/conversations.py` begins."""

from persistence.database import Pool
from tests.support.conversations import CHANNEL, TENANT


async def add_channel(pool: Pool) -> None:
    """Make the tenant and the channel that all stories are told on."""
    await pool.execute("INSERT INTO tenants (id, name) VALUES ($1, 'shop')", TENANT)
    await pool.execute(
        "INSERT INTO channels (id, tenant_id, kind, name, account_id)"
        " VALUES ($1, $2, 'instagram', 'shop', 'account')",
        CHANNEL,
        TENANT,
    )
