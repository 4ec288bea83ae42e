"""Sampling points of customers: which laboratory point belongs to whom."""
