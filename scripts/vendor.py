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
# What pages load of a font, by need: the letters of every day, and the rest of both scripts for the rare name that has
# them. The complete files are for PDFs, whose writer cannot join two pieces of a family.
PIECES = {
    "latin": "20-7E,A0-FF,131,152-153,160-161,178,17D-17E,2C6,2DA,2DC,2000-200B,2010-2027,202A-203A,2044,2066-208E,"
    "20AC,2113,2122,2126,2190-2193,2212,2215,2248,2260,2264-2265,FEFF,FFFD",
    "arabic": "60C,61B-61C,61F,621-63A,640-656,660-671,67E,686,698,6A4,6A9,6AD,6AF,6BE,6C1,6CC,6D2,6D4,6F0-6F9,"
    "200C-200F",
    "latin-more": "100-130,132-151,154-15F,162-177,179-17C,17F-24F,2BB-2C5,2C7-2D9,2DB,300-36F,1E00-1EFF,"
    "203B-2043,2045-205F,20A0-20AB,20AD-20BF,2100-2112,2114-2121,2123-2125,2127-214F,2200-2211,2213-2214,2216-2247,2249-225F,2261-2263,"
    "2266-22FF,25CC",
    "arabic-more": "600-60B,60D-61A,61D-61E,620,63B-63F,657-65F,672-67D,67F-685,687-697,699-6A3,6A5-6A8,6AA-6AC,"
    "6AE,6B0-6BD,6BF-6C0,6C2-6CB,6CD-6D1,6D3,6D5-6EF,6FA-6FF,750-77F,8A0-8FF,FB50-FDFF,FE70-FEFC",
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


def cut(font: Path) -> None:
    """Write the pieces of a font beside it; `unicode-range` in marsad.css says the same."""
    for name, characters in PIECES.items():
        options = subset.Options()
        options.flavor = "woff2"
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
        cut(TARGET / "plex" / f"{weight}.woff2")
    (TARGET / "icons" / "icons.svg").write_text(sprite(ICONS.read_text().split()))


if __name__ == "__main__":
    main()
