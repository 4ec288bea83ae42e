"""Administrative units, shared by all organisations."""
