"""Copy the pinned front-end files from node_modules into static/vendor (run after `npm ci`; the result is committed).

Source-map comments are cut: the files they name are not shipped, and the hashed static storage refuses
references to files that do not exist.
"""

import re
import shutil
from pathlib import Path
from xml.etree import ElementTree

from fontTools import subset

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "node_modules"
TARGET = ROOT / "static" / "vendor"

FILES = {
    "htmx.org/dist/htmx.min.js": "htmx/htmx.min.js",
    "htmx.org/LICENSE": "htmx/LICENSE",
    "@tabler/core/dist/css/tabler.min.css": "tabler/tabler.min.css",
    "@tabler/core/dist/css/tabler.rtl.min.css": "tabler/tabler.rtl.min.css",
    "tom-select/dist/js/tom-select.popular.min.js": "tom-select/tom-select.min.js",
    "tom-select/dist/css/tom-select.bootstrap5.min.css": "tom-select/tom-select.min.css",
    "tom-select/LICENSE": "tom-select/LICENSE",
    "chart.js/dist/chart.umd.min.js": "chart/chart.min.js",
    "chart.js/LICENSE.md": "chart/LICENSE.md",
    "leaflet/dist/leaflet.js": "leaflet/leaflet.min.js",
    "leaflet/dist/leaflet.css": "leaflet/leaflet.css",
    "leaflet/dist/images/layers.png": "leaflet/images/layers.png",
    "leaflet/dist/images/layers-2x.png": "leaflet/images/layers-2x.png",
    "leaflet/dist/images/marker-icon.png": "leaflet/images/marker-icon.png",
    "leaflet/dist/images/marker-icon-2x.png": "leaflet/images/marker-icon-2x.png",
    "leaflet/dist/images/marker-shadow.png": "leaflet/images/marker-shadow.png",
    "leaflet/LICENSE": "leaflet/LICENSE",
    "@ibm/plex-sans-arabic/fonts/complete/woff2/IBMPlexSansArabic-Regular.woff2": "plex/Regular.woff2",
    "@ibm/plex-sans-arabic/fonts/complete/woff2/IBMPlexSansArabic-Medium.woff2": "plex/Medium.woff2",
    "@ibm/plex-sans-arabic/fonts/complete/woff2/IBMPlexSansArabic-SemiBold.woff2": "plex/SemiBold.woff2",
    "@ibm/plex-sans-arabic/fonts/complete/woff2/IBMPlexSansArabic-Bold.woff2": "plex/Bold.woff2",
    "@ibm/plex-sans-arabic/fonts/complete/woff2/license.txt": "plex/LICENSE.txt",
    "@tabler/icons/LICENSE": "icons/LICENSE",
}
# What pages load of a font; the complete files are for PDFs, whose writer cannot join two halves of a family.
HALVES = {
    "latin": "0-24F,2BB-2DC,300-36F,1E00-1EFF,2000-200B,2010-206F,2070-209F,20A0-20BF,2100-214F,2190-2193,2200-22FF,"
    "25CC,FEFF,FFFD",
    "arabic": "600-6FF,750-77F,8A0-8FF,200C-200F,FB50-FDFF,FE70-FEFC",
}
ICONS = Path(__file__).with_name("icons.txt")
_MAP_COMMENT = re.compile(rb"\n?(/\*# sourceMappingURL=[^*]*\*/|//# sourceMappingURL=\S*)\s*")
_SVG = "http://www.w3.org/2000/svg"


def sprite(names: list[str]) -> str:
    """One SVG file with a symbol per icon; colour and stroke come from the page."""
    symbols = []
    for name in sorted(names):
        icon = ElementTree.parse(SOURCE / f"@tabler/icons/icons/outline/{name}.svg").getroot()
        shapes = "".join(
            f"<{shape.tag.removeprefix(f'{{{_SVG}}}')} "
            + " ".join(f'{key}="{value}"' for key, value in shape.attrib.items())
            + "/>"
            for shape in icon
        )
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{shapes}</symbol>')
    return f'<svg xmlns="{_SVG}">\n' + "\n".join(symbols) + "\n</svg>\n"


def halve(font: Path) -> None:
    """Write the Latin and the Arabic half of a font beside it; `unicode-range` in marsad.css says the same."""
    for name, characters in HALVES.items():
        options = subset.Options()
        options.flavor, options.layout_features = "woff2", ["*"]
        whole = subset.load_font(str(font), options)
        cutter = subset.Subsetter(options)
        cutter.populate(unicodes=subset.parse_unicodes(characters))
        cutter.subset(whole)
        subset.save_font(whole, str(font.with_stem(f"{font.stem}-{name}")), options)


def main() -> None:
    shutil.rmtree(TARGET, ignore_errors=True)
    for source, target in FILES.items():
        path = TARGET / target
        path.parent.mkdir(parents=True, exist_ok=True)
        content = (SOURCE / source).read_bytes()
        if path.suffix in {".js", ".css"}:
            content = _MAP_COMMENT.sub(b"\n", content).rstrip() + b"\n"
        path.write_bytes(content)
    for weight in ("Regular", "Medium", "SemiBold"):
        halve(TARGET / "plex" / f"{weight}.woff2")
    (TARGET / "icons" / "icons.svg").write_text(sprite(ICONS.read_text().split()))


if __name__ == "__main__":
    main()
