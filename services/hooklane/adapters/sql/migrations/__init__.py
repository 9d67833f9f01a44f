"""Migrations, oldest first in `versions`; `adapters.sql.upgrade` runs them."""
