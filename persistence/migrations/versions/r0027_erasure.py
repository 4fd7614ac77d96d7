"""Erasure of customers, and settings of the tables that change most."""

from persistence.migrations.revision import sql_steps

revision = "0027"
down_revision = "0026"
upgrade, downgrade = sql_steps(__file__)
