"""What workflows do outside: webhooks, mails, the model's judgements, their rows."""
