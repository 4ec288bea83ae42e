"""Contracts: types, templates, states, amendments, renewals, termination, papers."""
