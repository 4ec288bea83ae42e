"""Models of the collect room, from its parts."""
