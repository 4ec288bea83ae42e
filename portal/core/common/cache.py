"""The cache when Redis holds it: what lies there speeds things up and counts requests, so nothing may fail with it."""

import logging
import time
from typing import Any

from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

RETRY_SECONDS = 1.0

logger = logging.getLogger(__name__)


class SteadyRedisCache(RedisCache):
    """Redis, and the memory of this process while Redis is away; it is asked again every second."""

    _away_until = 0.0  # of the process: each thread has an instance of its own

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._own = LocMemCache("redis-is-away", params)

    @property
    def away(self) -> bool:
        return time.monotonic() < SteadyRedisCache._away_until

    def _do(self, name: str, *arguments: Any) -> Any:
        if not self.away:
            try:
                return getattr(RedisCache, name)(self, *arguments)
            except RedisError as error:
                logger.warning("the cache is not reachable (%s)", error)
                SteadyRedisCache._away_until = time.monotonic() + RETRY_SECONDS
        return getattr(self._own, name)(*arguments)

    def add(self, key: Any, value: Any, timeout: Any = 300, version: Any = None) -> bool:
        return bool(self._do("add", key, value, timeout, version))

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return self._do("get", key, default, version)

    def set(self, key: Any, value: Any, timeout: Any = 300, version: Any = None) -> None:
        self._do("set", key, value, timeout, version)

    def delete(self, key: Any, version: Any = None) -> bool:
        return bool(self._do("delete", key, version))

    def incr(self, key: Any, delta: int = 1, version: Any = None) -> int:
        try:
            return int(self._do("incr", key, delta, version))
        except ValueError:  # Redis went or came back since the key was made: the count begins anew
            self.set(key, delta, version=version)
            return delta
