"""The PostgreSQL server that comes with Pilito."""
