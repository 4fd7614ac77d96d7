"""Seeds the database for the conversations of `conversations.py`."""

from persistence.database import Pool
from tests.support.conversation.conversations import CHANNEL, TENANT


async def add_channel(pool: Pool) -> None:
    """Add the tenant and the channel of all stories."""
    await pool.execute("INSERT INTO tenants (id, name) VALUES ($1, 'shop')", TENANT)
    await pool.execute(
        "INSERT INTO channels (id, tenant_id, kind, name, account_id)"
        " VALUES ($1, $2, 'instagram', 'shop', 'account')",
        CHANNEL,
        TENANT,
    )
