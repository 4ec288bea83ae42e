"""Pages of forms: list, overview, builder, versions, and the page on which people fill them in."""
