"""The work of workflows outside: webhooks, mails, judgements, and dry runs."""
