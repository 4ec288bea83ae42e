"""The web process of `make run`: it goes at once when its parent is killed, as everything there does."""

import signal

from portal.config.postgres import die_with_parent

if (bind := die_with_parent(signal.SIGKILL)) is not None:
    bind()

from portal.config.asgi import application  # loading takes seconds, in which the parent may go

__all__ = ["application"]
