"""HTTP building blocks that the web application and the webhooks share."""
