"""Live events of the laboratory."""

from portal.core.notifications.events import EventType

EVENTS = [
    EventType("sample.changed", "samples.view", organization=True),
    EventType("result.changed", "samples.view", organization=True),
    EventType("certificate.issued", "certificates.view", organization=True),
    EventType("compliance.changed", "samples.view", organization=True),
]
