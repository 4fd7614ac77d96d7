"""Instagram: its webhook, sending through the Graph API, accounts."""
