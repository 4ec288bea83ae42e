"""What other rooms want to know of samples, told in the transaction in which it happens. Filled when apps load."""

from collections.abc import Callable, Collection
from uuid import UUID

type Listener = Callable[[Collection[UUID]], object]

_on_fail: list[Listener] = []


def on_fail(listener: Listener) -> None:
    """`listener(ids)`: these samples do not comply from now on and did before, or had no verdict."""
    _on_fail.append(listener)


def tell_fail(samples: Collection[UUID]) -> None:
    for listener in _on_fail if samples else ():
        listener(samples)
