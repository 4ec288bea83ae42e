"""Models of the survey room, from its parts."""
