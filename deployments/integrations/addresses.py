"""Where a channel's webhooks arrive."""

from persistence.channels import Channel, ChannelKind


def build_webhook_path(channel: Channel) -> str:
    """Return the path below the runtime's public address."""
    return {
        ChannelKind.INSTAGRAM: "/webhooks/instagram/",
        ChannelKind.TELEGRAM: f"/webhooks/telegram/{channel.id}/",
        ChannelKind.WEBSITE: f"/webhooks/website/{channel.account_id}/messages/",
    }[channel.kind]
