"""Pages of submissions and webhooks."""
