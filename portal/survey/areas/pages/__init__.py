"""Pages of administrative units, assigned areas, refusals, and boundary datasets."""
