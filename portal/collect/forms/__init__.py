"""Forms: schemas with their versions, drafts and settings."""
