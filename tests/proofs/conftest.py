"""The proofs have the API's cast."""

from tests.api.conftest import cast

__all__ = ["cast"]
