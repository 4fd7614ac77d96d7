"""What the runtime remembers: PostgreSQL records, migrations, notifications."""
