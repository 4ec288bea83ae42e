"""What was surveyed as files for other programs: GeoJSON, CSV, KML, GeoPackage, Shapefile, DXF.

Pure functions over batches, so that a file's length costs no memory. Shapes come as longitude and latitude, degrees of
WGS84; CSV holds metres of UTM too, DXF those alone. GDAL writes GeoPackage and Shapefile, which it can append to; the
other formats are texts, of which GDAL would want all features at once, and which as DXF it writes without labels.
"""

import codecs
import csv
import io
import re
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Final, Literal
from xml.sax.saxutils import escape

import numpy as np
import orjson
import pyogrio.raw
import shapely
from pyproj import CRS
from shapely.geometry.base import BaseGeometry

from portal.core.common import clock
from portal.core.common.text import harmless
from portal.core.geo.measures import to_utm, utm_zone

type Kind = Literal["text", "whole", "real", "time", "truth"]
type Progress = Callable[[int], None]

TYPES: Final = {
    "geojson": "application/geo+json",
    "csv": "text/csv; charset=utf-8",
    "kml": "application/vnd.google-earth.kml+xml",
    "gpkg": "application/geopackage+sqlite3",
    "shp": "application/zip",
    "dxf": "image/vnd.dxf",
}
SUFFIXES: Final = {"shp": "zip"}
_ILLEGAL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff\ud800-\udfff]")
_LAYER: Final = re.compile(r"[^A-Z0-9_$-]")
_BREAKS: Final = re.compile(r"\s+")
_SHAPES: Final = {"point": "Point", "line": "MultiLineString", "polygon": "MultiPolygon"}
_DBF: Final = 254  # bytes of a text in a Shapefile


@dataclass(frozen=True, slots=True)
class Column:
    """`name` as on the wire; `short`, at most ten characters, in a Shapefile."""

    name: str
    short: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class Layer:
    """Features of one kind of geometry (`point`, `line`, `polygon`) with the same columns. `number`, `code` and `group`
    name the columns that make a label and the name of a CAD layer; `height` the one of metres, for CAD."""

    name: str
    shape: Literal["point", "line", "polygon"]
    columns: tuple[Column, ...]
    number: str = ""
    code: str = ""
    group: str = ""
    height: str = ""

    def place(self, name: str) -> int:
        return next((place for place, column in enumerate(self.columns) if column.name == name), -1)


@dataclass(frozen=True, slots=True)
class Batch:
    """Features of one layer; a row's values stand in the order of the layer's columns, the feature's id first."""

    layer: Layer
    shapes: Sequence[BaseGeometry]
    rows: Sequence[Sequence[Any]]


def write(kind: str, path: Path, batches: Iterable[Batch], *, zone: int = 38, progress: Progress | None = None) -> int:
    """Write a file of `kind` (a key of `TYPES`) to `path`; how many features it holds. `zone`: the one UTM zone of a
    drawing (DXF), whose plane cannot hold two. A batch without rows makes its empty layer."""
    watched = _watched(batches, progress)
    if kind in ("gpkg", "shp"):
        return (_geopackage if kind == "gpkg" else _shapefile)(path, watched)
    with path.open("wb") as file:
        if kind == "dxf":
            return _dxf(file, watched, zone)
        return {"geojson": _geojson, "csv": _csv, "kml": _kml}[kind](file, watched)


def _watched(batches: Iterable[Batch], progress: Progress | None) -> Iterator[Batch]:
    done = 0
    for batch in batches:
        yield batch
        done += len(batch.rows)
        if progress:
            progress(done)


def _plain(value: Any) -> Any:
    """A value as text files show it: times in UTC with `Z`, lists with `; ` between."""
    if value is None or isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, datetime):
        return clock.wire(value)
    if isinstance(value, list | tuple):
        return "; ".join(str(part) for part in value)
    return str(value)


# --- GeoJSON (RFC 7946) ---------------------------------------------------------------------------
def feature(layer: Layer, shape: BaseGeometry | None, row: Sequence[Any]) -> dict[str, Any]:
    """One GeoJSON feature; its id is the first column. Outer rings run counterclockwise (section 3.1.6)."""
    properties = {
        column.name: value if column.kind == "truth" or isinstance(value, list) else _plain(value)
        for column, value in zip(layer.columns[1:], row[1:], strict=True)
    }
    return {"type": "Feature", "id": str(row[0]), "geometry": shape and _mapping(shape), "properties": properties}


def _mapping(shape: BaseGeometry) -> dict[str, Any]:
    if layer_shape(shape) == "polygon":
        shape = shapely.orient_polygons(shape)
    found: dict[str, Any] = shape.__geo_interface__
    return {"type": found["type"], "coordinates": found["coordinates"]}


def layer_shape(shape: BaseGeometry) -> Literal["point", "line", "polygon"]:
    """Which kind of layer holds this geometry."""
    kind = shape.geom_type
    return "polygon" if kind.endswith("Polygon") else "line" if kind.endswith("String") else "point"


def _geojson(file: IO[bytes], batches: Iterable[Batch]) -> int:
    count = 0
    file.write(b'{"type":"FeatureCollection","features":[')
    for batch in batches:
        lines = []
        for shape, row in zip(batch.shapes, batch.rows, strict=True):
            found = feature(batch.layer, shape, row)
            found["properties"] = {"layer": batch.layer.name, **found["properties"]}
            lines.append((b",\n" if count else b"\n") + orjson.dumps(found))
            count += 1
        file.write(b"".join(lines))
    file.write(b"\n]}\n")
    return count


# --- CSV ------------------------------------------------------------------------------------------
def _csv(file: IO[bytes], batches: Iterable[Batch]) -> int:
    """One table of all layers. A line's or a polygon's place is a point on it; `wkt` holds its shape in degrees.

    UTF-8 with a byte order mark, commas, CRLF. The columns are those of every layer of the same family.
    """
    text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    writer, count = csv.writer(text), 0
    named: list[str] = []
    for batch in batches:
        if not named:
            named = list(dict.fromkeys(column.name for layer in known(batch.layer) for column in layer.columns))
            writer.writerow(["layer", *named, "longitude", "latitude", "easting", "northing", "utmZone", "epsg", "wkt"])
        places = [batch.layer.place(name) for name in named]
        spots = shapely.point_on_surface(np.array(batch.shapes, dtype=object))
        degrees = shapely.get_coordinates(spots)
        zones = np.array([utm_zone(longitude) for longitude in degrees[:, 0]])
        metres = np.empty_like(degrees)
        for zone in np.unique(zones):
            metres[zones == zone] = to_metres(degrees[zones == zone], int(zone))
        flat = batch.layer.shape == "point"
        for shape, row, (x, y), (east, north), zone in zip(
            batch.shapes, batch.rows, degrees, metres, zones, strict=True
        ):
            line = ["" if place < 0 else harmless(_plain(row[place])) for place in places]
            wkt = "" if flat else shapely.to_wkt(shape, rounding_precision=8)
            spot = (f"{x:.8f}", f"{y:.8f}", f"{east:.3f}", f"{north:.3f}", f"{zone}N", 32600 + int(zone))
            writer.writerow([batch.layer.name, *line, *spot, wkt])
            count += 1
    text.detach()
    return count


_families: dict[Layer, tuple[Layer, ...]] = {}


def family(*layers: Layer) -> tuple[Layer, ...]:
    """Say which layers stand in one table when they are written as CSV."""
    for layer in layers:
        _families[layer] = layers
    return layers


def known(layer: Layer) -> tuple[Layer, ...]:
    return _families.get(layer, (layer,))


def to_metres(degrees: Any, zone: int) -> Any:
    """An array of longitude and latitude (n, 2) as easting and northing of UTM, metres."""
    return np.column_stack(to_utm(zone).transform(degrees[:, 0], degrees[:, 1]))


# --- KML ------------------------------------------------------------------------------------------
_STYLES: Final = (
    '<Style id="line"><LineStyle><color>ff8a6a0f</color><width>3</width></LineStyle></Style>'
    '<Style id="polygon"><LineStyle><color>ff8a6a0f</color><width>2</width></LineStyle>'
    "<PolyStyle><color>408a6a0f</color></PolyStyle></Style>"
    '<Style id="point"><IconStyle><scale>0.8</scale></IconStyle></Style>'
)


def _kml(file: IO[bytes], batches: Iterable[Batch]) -> int:
    count, held = 0, ""
    file.write(b'<?xml version="1.0" encoding="UTF-8"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>')
    file.write(_STYLES.encode())
    for batch in batches:
        layer = batch.layer
        if layer.name != held:
            file.write(f"{'</Folder>' if held else ''}\n<Folder><name>{_xml(layer.name)}</name>".encode())
            held = layer.name
        lines = [_placemark(layer, shape, row) for shape, row in zip(batch.shapes, batch.rows, strict=True)]
        file.write("".join(lines).encode())
        count += len(lines)
    file.write(f"{'</Folder>' if held else ''}</Document></kml>\n".encode())
    return count


def _xml(value: object) -> str:
    return escape(_ILLEGAL.sub("", str(value)))


def _placemark(layer: Layer, shape: BaseGeometry, row: Sequence[Any]) -> str:
    data = "".join(
        f'<Data name="{column.name}"><value>{_xml(_text(value))}</value></Data>'
        for column, value in zip(layer.columns, row, strict=True)
        if value not in (None, "", [])
    )
    name = _xml(label(layer, row))
    drawn = "".join(_kml_shape(part) for part in _parts(shape))
    drawn = f"<MultiGeometry>{drawn}</MultiGeometry>" if shape.geom_type.startswith("Multi") else drawn
    return (
        f"\n<Placemark><name>{name}</name><styleUrl>#{layer.shape}</styleUrl>"
        f"<ExtendedData>{data}</ExtendedData>{drawn}</Placemark>"
    )


def _text(value: Any) -> str:
    plain = _plain(value)
    return "" if plain is None else str(plain).lower() if isinstance(plain, bool) else str(plain)


def label(layer: Layer, row: Sequence[Any]) -> str:
    """What stands beside a feature: its number, then its code."""
    parts = (row[place] for place in (layer.place(layer.number), layer.place(layer.code)) if place >= 0)
    return _BREAKS.sub(" ", " ".join(str(part) for part in parts if part not in (None, ""))).strip()


def _parts(shape: BaseGeometry) -> Sequence[BaseGeometry]:
    return list(shape.geoms) if shape.geom_type.startswith("Multi") else [shape]


def _kml_shape(shape: Any) -> str:
    def corners(line: Any) -> str:
        return " ".join(f"{x:.8f},{y:.8f}" for x, y in shapely.get_coordinates(line))

    if shape.geom_type == "Polygon":
        turned = shapely.orient_polygons(shape)
        rings = [("outerBoundaryIs", turned.exterior), *(("innerBoundaryIs", hole) for hole in turned.interiors)]
        inner = "".join(
            f"<{side}><LinearRing><coordinates>{corners(ring)}</coordinates></LinearRing></{side}>"
            for side, ring in rings
        )
        return f"<Polygon>{inner}</Polygon>"
    return f"<{shape.geom_type}><coordinates>{corners(shape)}</coordinates></{shape.geom_type}>"


# --- GeoPackage and Shapefile, by GDAL ------------------------------------------------------------
_WGS84: Final = CRS.from_epsg(4326).to_wkt()


def _gdal(path: Path, batch: Batch, *, append: bool, short: bool, **options: Any) -> None:
    layer = batch.layer
    shapes = np.array(batch.shapes, dtype=object)
    if layer.shape == "polygon":
        shapes = shapely.orient_polygons(shapes, exterior_cw=short)  # a Shapefile's outer rings run clockwise
    arrays, masks = [], []
    for place, column in enumerate(layer.columns):
        array, mask = _array(column, [row[place] for row in batch.rows], short=short)
        arrays.append(array)
        masks.append(mask)
    pyogrio.raw.write(
        str(path),
        geometry=shapely.to_wkb(shapes),
        field_data=arrays,
        field_mask=masks,
        fields=np.array([column.short if short else column.name for column in layer.columns], dtype=object),
        geometry_type=_SHAPES[layer.shape],
        promote_to_multi=layer.shape != "point",
        crs=_WGS84,
        append=append,
        **options,
    )


def _array(column: Column, values: Sequence[Any], *, short: bool) -> tuple[Any, Any]:
    """The values of a column and where there are none."""
    mask = np.array([value is None for value in values])
    if column.kind == "whole":
        return np.array([0 if value is None else value for value in values], dtype=np.int64), mask
    if column.kind == "real":
        return np.array([np.nan if value is None else float(value) for value in values]), None
    if column.kind == "truth":
        # a field that knows three states: DBF has none that GDAL writes
        return np.array([None if v is None else "true" if v else "false" for v in values], dtype=object), None
    texts = [None if value is None else _ILLEGAL.sub("", _text(value)) for value in values]
    if short:
        texts = [None if text is None else text.encode()[:_DBF].decode(errors="ignore") for text in texts]
    return np.array(texts, dtype=object), None


def _geopackage(path: Path, batches: Iterable[Batch]) -> int:
    count, seen = 0, set[str]()
    for batch in batches:
        name = batch.layer.name
        _gdal(path, batch, append=bool(seen), short=False, layer=name, driver="GPKG")
        seen.add(name)
        count += len(batch.rows)
    return count


def _shapefile(path: Path, batches: Iterable[Batch]) -> int:
    """A zip archive with .shp, .shx, .dbf, .prj and .cpg for each layer."""
    count, seen = 0, set[str]()
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        for batch in batches:
            name = batch.layer.name
            target = Path(folder) / f"{name}.shp"
            _gdal(target, batch, append=name in seen, short=True, driver="ESRI Shapefile", encoding="UTF-8")
            seen.add(name)
            count += len(batch.rows)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=3) as archive:
            for part in sorted(Path(folder).iterdir()):
                archive.write(part, part.name)
    return count


# --- DXF ------------------------------------------------------------------------------------------
_LABELS: Final = "LABELS"
_COLOURS: Final = (1, 3, 5, 6, 4, 2, 30, 8)
_LABEL_HEIGHT: Final = 0.5  # metres
_PAGE: Final = "ANSI_1256"


def _dxf(file: IO[bytes], batches: Iterable[Batch], zone: int) -> int:
    """Metres of UTM in one zone; a CAD layer for each type of feature, and the labels on one of their own.

    Release 12, which every CAD program reads, with Arabic in its code page; what that lacks is written as `\\U+XXXX`.
    """
    count, made = 0, dict[str, int]()
    with tempfile.TemporaryFile() as entities:  # the table of layers comes first and is known last
        for batch in batches:
            _entities(entities, batch, zone, made)
            count += len(batch.rows)
        table = "".join(
            _codes(0, "LAYER", 2, name, 70, 0, 62, 7 if name == _LABELS else colour, 6, "CONTINUOUS")
            for name, colour in made.items()
        )
        head = (
            _codes(999, f"WGS 84 / UTM zone {zone}N, EPSG:{32600 + zone}, metres")
            + _codes(0, "SECTION", 2, "HEADER", 9, "$ACADVER", 1, "AC1009", 9, "$DWGCODEPAGE", 3, _PAGE)
            + _codes(
                9,
                "$INSUNITS",
                70,
                6,
                9,
                "$PDMODE",
                70,
                34,
                9,
                "$PDSIZE",
                40,
                0.3,
                0,
                "ENDSEC",
                0,
                "SECTION",
                2,
                "TABLES",
            )
            + _codes(
                0, "SECTION", 2, "TABLES", 0, "TABLE", 2, "LTYPE", 70, 1, 0, "LTYPE", 2, "CONTINUOUS", 70, 0, 3, "Solid"
            )
            + _codes(72, 65, 73, 0, 40, 0.0, 0, "ENDTAB", 0, "TABLE", 2, "LAYER", 70, len(made))
        )
        file.write((head + table + _codes(0, "ENDTAB", 0, "ENDSEC", 0, "SECTION", 2, "ENTITIES")).encode("ascii"))
        entities.seek(0)
        while piece := entities.read(1 << 20):
            file.write(piece)
    file.write(_codes(0, "ENDSEC", 0, "EOF").encode())
    return count


def _codes(*pairs: object) -> str:
    return "".join(f"{code}\n{value}\n" for code, value in zip(pairs[::2], pairs[1::2], strict=True))


def _encoded(text: str) -> bytes:
    return _ILLEGAL.sub("", text).encode("cp1256", "dxf")


def _unicode_escape(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeEncodeError)
    units = error.object[error.start : error.end].encode("utf-16-be")
    return "".join(f"\\U+{units[n : n + 2].hex().upper()}" for n in range(0, len(units), 2)), error.end


codecs.register_error("dxf", _unicode_escape)


def _entities(file: IO[bytes], batch: Batch, zone: int, made: dict[str, int]) -> None:
    layer = batch.layer
    pieces: list[str] = []
    group, height = layer.place(layer.group), layer.place(layer.height)
    metres = shapely.transform(np.array(batch.shapes, dtype=object), lambda degrees: to_metres(degrees, zone))
    spots = shapely.get_coordinates(shapely.point_on_surface(metres))
    for shape, row, (x, y) in zip(metres, batch.rows, spots, strict=True):
        kind = str(row[group] or "") if group >= 0 else ""
        name = _LAYER.sub("_", "_".join(filter(None, (layer.name, kind))).upper())[:31]
        made.setdefault(name, _COLOURS[len(made) % len(_COLOURS)])
        z = float(row[height]) if height >= 0 and row[height] is not None else 0.0
        pieces.extend(_entity(name, part, z) for part in _parts(shape))
        if words := label(layer, row):
            made.setdefault(_LABELS, 7)
            pieces.append(
                f"0\nTEXT\n8\n{_LABELS}\n10\n{x + 0.3:.4f}\n20\n{y + 0.3:.4f}\n30\n{z:.4f}\n40\n{_LABEL_HEIGHT}\n"
                f"1\n{words}\n"
            )
    file.write(_encoded("".join(pieces)))


def _entity(name: str, shape: Any, z: float) -> str:
    if shape.geom_type == "Point":
        return f"0\nPOINT\n8\n{name}\n10\n{shape.x:.4f}\n20\n{shape.y:.4f}\n30\n{z:.4f}\n"
    if shape.geom_type == "Polygon":
        return "".join(_polyline(name, ring, closed=True) for ring in (shape.exterior, *shape.interiors))
    return _polyline(name, shape, closed=False)


def _polyline(name: str, line: Any, *, closed: bool) -> str:
    corners = shapely.get_coordinates(line)
    drawn = corners[:-1] if closed else corners
    inner = "".join(f"0\nVERTEX\n8\n{name}\n10\n{x:.4f}\n20\n{y:.4f}\n30\n0.0\n" for x, y in drawn)
    return f"0\nPOLYLINE\n8\n{name}\n66\n1\n70\n{int(closed)}\n10\n0.0\n20\n0.0\n30\n0.0\n{inner}0\nSEQEND\n8\n{name}\n"
