"""The web application: JSON API, WebSockets, pages."""
