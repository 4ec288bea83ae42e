"""PostgreSQL as Django speaks to it; see `base`."""
