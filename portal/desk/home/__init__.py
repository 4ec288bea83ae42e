"""The home page: what needs this person now, by role, in the order that they chose."""
