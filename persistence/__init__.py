"""PostgreSQL: records, migrations and notifications of the runtime."""
