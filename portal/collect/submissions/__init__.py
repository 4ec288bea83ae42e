"""Submissions of forms: receiving, review, history, exports and webhooks."""
