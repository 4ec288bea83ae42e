"""Contracts (002): 17 endpoints, and what they need beside."""
