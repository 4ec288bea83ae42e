"""Models of the crm room, from its parts."""
