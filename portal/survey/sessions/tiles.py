"""Which parcels may touch a box, found by one index that begins with the organisation.

Each shape is filed under one tile of a loose quadtree: the tile of its middle at the level whose tiles are just larger
than it. A box therefore meets shapes of the tiles that it touches when it is widened by half a tile, at every level.
Tiles are whole numbers compared by B-tree, because row-level security keeps a GiST index on `box` from being used:
its operator is not leak-proof, so PostgreSQL would read every row of the table.
"""

import math
from collections.abc import Iterable
from typing import Final

LARGEST: Final = 16.0  # degrees: a tile of level 0
LEVELS: Final = 17  # the smallest tile is 0.00024 degrees, 27 m
_IX, _LEVEL = 24, 48  # bits

type Box = tuple[float, float, float, float]  # west, south, east, north in degrees


def tile_of(box: Box) -> int:
    west, south, east, north = box
    extent = max(east - west, north - south, 1e-9)
    level = min(LEVELS - 1, max(0, math.floor(math.log2(LARGEST / extent))))
    size = LARGEST / (1 << level)
    return _number(level, _at((west + east) / 2, 180, size), _at((south + north) / 2, 90, size))


def ranges(boxes: Iterable[Box]) -> list[tuple[int, int]]:
    """The tiles of everything that can touch one of `boxes`, as closed ranges of numbers."""
    found = set()
    for west, south, east, north in boxes:
        for level in range(LEVELS):
            size = LARGEST / (1 << level)
            half = size / 2
            low, high = _at(south - half, 90, size), _at(north + half, 90, size)
            for ix in range(_at(west - half, 180, size), _at(east + half, 180, size) + 1):
                found.add((_number(level, ix, low), _number(level, ix, high)))
    return sorted(found)


def _at(degrees: float, shift: int, size: float) -> int:
    return max(0, math.floor((degrees + shift) / size))


def _number(level: int, ix: int, iy: int) -> int:
    return (level << _LEVEL) | (ix << _IX) | iy
