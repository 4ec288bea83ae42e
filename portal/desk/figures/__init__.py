"""Figures across the rooms of an office: what the dashboard, the home page and their files show."""
