"""Events of Instagram's webhooks as Meta tells them, and how they are read."""

from datetime import UTC, datetime
from uuid import UUID

from deployments.integrations.instagram.incoming import SkipReason, WebhookEvent
from deployments.integrations.instagram.reading import read_webhook
from persistence.channels import Channel, ChannelKind
from persistence.ids import ChannelId, TenantId

SHOP, SARA = "17841400000000000", "900100200300"
AT = datetime(2026, 3, 21, 12, tzinfo=UTC)
CHANNEL = Channel(
    id=ChannelId(UUID(int=2)),
    tenant_id=TenantId(UUID(int=1)),
    kind=ChannelKind.INSTAGRAM,
    name="shop",
    account_id=SHOP,
    is_paused=False,
    created_at=AT,
    access_token=None,
    webhook_secret=None,
)


def event(**fields: object) -> dict[str, object]:
    """Build an event from Sara to the shop."""
    return {"sender": {"id": SARA}, "recipient": {"id": SHOP}, "timestamp": 0, **fields}


def message(**fields: object) -> dict[str, object]:
    """Build a message from Sara to the shop."""
    return event(message={"mid": "m1", **fields})


def read(*events: object, account: str = SHOP) -> list[WebhookEvent | SkipReason]:
    """Read one entry with these events."""
    entry = {"id": account, "messaging": list(events)}
    return list(read_webhook({"object": "instagram", "entry": [entry]}))
