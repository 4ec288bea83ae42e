"""What every installation and every new organisation starts with; apps register theirs when they load."""

from collections.abc import Callable

_platform: list[Callable[[], None]] = []


def register(seed: Callable[[], None]) -> None:
    """`seed` runs in a platform scope after every migration and must be safe to repeat."""
    _platform.append(seed)


def run() -> None:
    from portal.core.tenancy.scope import platform

    with platform():
        for seed in _platform:
            seed()
