"""The console: pages for the people of a shop, on the API's own functions."""
