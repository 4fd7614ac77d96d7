"""The website: its webhook, the chat page and the page's live feed."""
