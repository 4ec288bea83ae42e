"""Notifications and messages to people."""
