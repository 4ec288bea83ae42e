from tests.api.conftest import cast, nobody

__all__ = ["cast", "nobody"]
