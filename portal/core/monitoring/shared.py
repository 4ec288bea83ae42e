"""Prometheus' counters in files that processes share, which survive a full disk."""

import errno
import mmap
import os
import struct
from pathlib import Path
from typing import Final

from prometheus_client import Counter, Gauge, Histogram, mmap_dict, values

_FIRST: Final = 1 << 16  # bytes that a file of counters begins with
_USED: Final = struct.Struct("i")
_ENTRY: Final = 28  # bytes of a number besides its name, at most


class Reserved(mmap_dict.MmapedDict):
    """The library writes to pages of a file that the disk has not promised yet; where it has no room then, the kernel
    ends the process (SIGBUS). Here the room is asked for first, and without any the process counts in its memory alone.
    """

    def __init__(self, filename: str, read_mode: bool = False) -> None:
        self.alone = not read_mode and not _reserved(filename, _FIRST)
        if not self.alone:
            super().__init__(filename, read_mode)  # type: ignore[no-untyped-call]
            return
        Path(filename).unlink(missing_ok=True)  # an empty one could not be read
        self._fname, self._capacity, self._m = filename, _FIRST, mmap.mmap(-1, _FIRST)
        self._positions: dict[str, int] = {}
        self._used = 8
        _USED.pack_into(self._m, 0, self._used)

    def close(self) -> None:
        if not self.alone:
            super().close()  # type: ignore[no-untyped-call]

    def _init_value(self, key: str) -> None:
        while self._used + len(key.encode()) + _ENTRY > self._capacity:
            larger = 2 * self._capacity
            self.alone = self.alone or not _reserved(self._fname, larger)
            if self.alone:
                memory = mmap.mmap(-1, larger)
                memory[: self._used] = self._m[: self._used]
                self._m = memory
            else:
                self._m = mmap.mmap(self._f.fileno(), larger)
            self._capacity = larger
        super()._init_value(key)  # type: ignore[no-untyped-call]


def _reserved(filename: str, size: int) -> bool:
    with Path(filename).open("ab") as file:
        try:
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
            return False
    return True


values.MmapedDict = Reserved  # type: ignore[attr-defined]

__all__ = ["Counter", "Gauge", "Histogram"]
