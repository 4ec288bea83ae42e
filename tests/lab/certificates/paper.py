"""One certificate, its amendment and one report over real verdicts, with their PDFs, and what can be read from them."""

import io
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from uuid import UUID

import pypdf
import segno
from PIL import Image
from segno import consts

from portal.core.tenancy.scope import tenant
from portal.lab import services as lab
from portal.lab.certificates import pdf, services
from portal.lab.certificates.models import Certificate
from portal.lab.models import ComplianceReport, Sample
from portal.lab.reports import pdf as report_pdf
from portal.lab.reports import services as reports
from tests.core.people import Cast

LANGUAGES = ("ar", "fr", "en")
STATED = {
    "customer": "Commune d'Anfa\n1, place des Nations\nhygiene@anfa.example",
    "condition": "Sterile bottle, 4.2 °C, seal intact",
    "samplingMethod": "ISO 5667-5:2006, plan P-03",
    "deviations": "Turbidity was read 40 min after arrival.",
    "external": "Lead: by Laboratoire Atlas, accredited.",
}
RESULTS: tuple[dict[str, Any], ...] = (
    {
        "parameterName": "NO3",
        "value": "57.31",
        "unit": "mg/L NO3",
        "uncertainty": "3.4",
        "quantificationLimit": "0.5",
        "testMethod": "ISO 10304-1:2007",
        "testDate": "2026-11-03T10:00:00Z",
        "technicianName": "Amina",
    },
    {"parameterName": "PB", "value": "<1", "unit": "µg/L", "quantificationLimit": "1", "testMethod": "ISO 17294-2:2023",
     "testDate": "2026-11-04T09:00:00Z"},
    {"parameterName": "PH", "value": "7.20", "unit": "pH unit", "testMethod": "ISO 10523:2008",
     "testDate": "2026-11-02T12:00:00Z"},
    {"parameterName": "ECOLI", "value": "absent", "unit": "CFU/100 mL", "testMethod": "ISO 9308-1:2014",
     "testDate": "2026-11-05T09:00:00Z"},
)  # fmt: skip
WITHDRAWN = "1234.5"  # the result that a repeated analysis replaced


@dataclass
class Paper:
    """A PDF and what a reader gets out of it."""

    content: bytes
    document: Certificate | ComplianceReport

    def __post_init__(self) -> None:
        self.reader = pypdf.PdfReader(io.BytesIO(self.content))
        self.root: Any = self.reader.trailer["/Root"]
        self.title = str(self.reader.metadata and self.reader.metadata.title)
        fonts = {font for page in self.reader.pages for font in page["/Resources"]["/Font"].values()}
        self.embedded = all("/FontFile" in str(f.get_object()["/DescendantFonts"][0]["/FontDescriptor"]) for f in fonts)
        self.ua = b"pdfuaid:part" in self.reader.xmp_metadata.stream.get_data()  # type: ignore[union-attr]

    @cached_property
    def text(self) -> str:
        """In reading order, white space made one, broken words joined."""
        pages = (_bare(page.extract_text()) for page in self.reader.pages)
        return re.sub(r"\s+", " ", " ".join(pages)).replace("\N{HYPHEN} ", "")

    @cached_property
    def lines(self) -> list[list[str]]:
        """The lines of each page as they lie on it; the last one is the foot."""
        return [_bare(page.extract_text(extraction_mode="layout")).rstrip().splitlines() for page in self.reader.pages]

    @property
    def numbers(self) -> list[str]:
        """Every number without those at the feet and in the hash, whose lines break anywhere, sorted as texts."""
        digest = r"\s*".join(self.document.snapshot_hash.removeprefix("sha256:"))
        body = "\n".join(line for page in self.lines for line in page[:-1])
        return sorted(re.findall(r"-?\d+(?:\.\d+)?", re.sub(digest, "", body)))


def _bare(text: str) -> str:
    return re.sub("[\u2066-\u2069\u202a-\u202e]", "", text)


@dataclass
class Issued:
    certificate: Certificate
    amendment: Certificate
    report: ComplianceReport
    papers: dict[str, Paper]  # "certificate ar", …


def sample(cast: Cast, location: str, day: int, *, nitrate: str = "57.31", **more: Any) -> Sample:
    """A sample with results through the services, so with real verdicts."""
    data = {"type": "drinking_water", "location": location, "collectionDate": f"2026-11-{day:02d}T08:00:00Z"}
    data |= {"receivedAt": f"2026-11-{day:02d}T10:30:00Z", "collectorName": "Amina", **more}
    row, _created = lab.sample_create(data=data, by=cast.alice)
    for result in RESULTS:
        value = nitrate if result["parameterName"] == "NO3" else result["value"]
        lab.result_create(sample=row["id"], data={**result, "value": value}, by=cast.alice)
    return validated(cast, row["id"])


def validated(cast: Cast, id: UUID) -> Sample:
    """The sample, after the bench has finished it and somebody has validated it."""
    if Sample.objects.get(pk=id).status != "amended":
        lab.sample_update(id=id, data={"status": "completed"}, by=cast.alice)
    lab.sample_update(id=id, data={"status": "validated"}, by=cast.alice)
    return Sample.objects.get(pk=id)


def reopened(cast: Cast, id: UUID) -> None:
    lab.sample_update(id=id, data={"status": "amended", "reason": "to be corrected"}, by=cast.alice)


def retested(cast: Cast, of: Sample) -> None:
    """A result that is replaced by a repeated analysis."""
    reopened(cast, of.pk)
    chloride = {"parameterName": "CL", "unit": "mg/L", "testMethod": "ISO 10304-1:2007"}
    first, _created = lab.result_create(sample=of.pk, data=chloride | {"value": WITHDRAWN}, by=cast.alice)
    again = chloride | {"value": "41.70", "replacesId": str(first["id"])}
    lab.result_create(sample=of.pk, data=again, by=cast.alice)
    validated(cast, of.pk)
    of.refresh_from_db()


def issue(cast: Cast) -> Issued:
    with tenant(cast.a.pk, by=cast.alice.actor()):
        one = sample(cast, "بئر الحي رقم 7", 2, latitude=33.59, longitude=-7.62)
        retested(cast, one)
        sample(cast, "بئر الحي رقم 7", 9, nitrate="61.2", latitude=33.59, longitude=-7.62)
        sample(cast, "Réservoir (B-3)", 4, nitrate="12.50", latitude=34.02, longitude=-6.84)
        certificate = services.certificate_issue(sample=one, stated=STATED, language="en", by=cast.alice)
        report = reports.report_issue(filters={"dateFrom": "2026-11-01"}, language="en", title="", by=cast.alice)
        nitrate = next(row for row in certificate.content["results"] if row["parameterCode"] == "NO3")
        reopened(cast, one.pk)
        lab.result_update(id=UUID(nitrate["resultId"]), data={"value": "47.31"}, by=cast.alice)
        validated(cast, one.pk)
        amendment = services.certificate_amend(
            certificate=certificate, reason="Nitrate was copied wrongly.", stated={}, by=cast.alice
        )
        papers = {"amendment en": Paper(pdf.render(amendment, "en"), amendment)}
        for language in LANGUAGES:
            papers[f"certificate {language}"] = Paper(pdf.render(certificate, language), certificate)
            papers[f"report {language}"] = Paper(report_pdf.render(report, language), report)
    return Issued(certificate, amendment, report, papers)


def read_code(content: bytes, folder: Path) -> str:
    """The text of the QR code on the first page, read from its picture as a camera would."""
    assert shutil.which("pdftoppm")
    (folder / "paper.pdf").write_bytes(content)
    command = ["pdftoppm", "-r", "200", "-l", "1", "-singlefile", "-png", "paper.pdf", "page"]
    subprocess.run(command, cwd=folder, check=True)
    image = Image.open(folder / "page.png").convert("RGB")
    dark = Image.new("L", image.size)
    # The code has an ink of its own; letters are of another.
    dark.putdata([255 if red < 19 and 30 < green < 60 else 0 for red, green, _blue in image.get_flattened_data()])
    box = dark.getbbox()
    assert box is not None
    code = dark.crop(box)
    return decode(_modules(code))


def _modules(code: Image.Image) -> list[list[int]]:
    """The dark modules; the finder in the corner is seven wide."""
    row = [code.getpixel((x, code.height // 400 + 1)) for x in range(code.width)]
    finder = next(x for x, level in enumerate(row) if level == 0)
    version = round((code.width / (finder / 7) - 17) / 4)
    count = 17 + 4 * version
    step = code.width / count
    return [
        [int(code.getpixel((int((x + 0.5) * step), int((y + 0.5) * step))) == 255) for x in range(count)]
        for y in range(count)
    ]


def decode(modules: list[list[int]]) -> str:
    """ISO/IEC 18004 without error correction: format, mask, zigzag, blocks, one segment of bytes."""
    count = len(modules)
    version = (count - 17) // 4
    bits = [modules[8][x] for x in (0, 1, 2, 3, 4, 5, 7, 8)] + [modules[y][8] for y in (7, 5, 4, 3, 2, 1, 0)]
    printed = int("".join(map(str, bits)), 2)
    found = consts.FORMAT_INFO.index(printed)
    level, mask = {0: "M", 1: "L", 2: "H", 3: "Q"}[found >> 3], found & 7
    free = [
        [kind in (consts.TYPE_DATA_DARK, consts.TYPE_DATA_LIGHT) for kind in row]
        for row in segno.make("x", version=version, error=level, boost_error=False).matrix_iter(border=0, verbose=True)
    ]
    free[8][count - 9] = True  # the library counts it among the format's, which are eight
    rules = (
        lambda i, j: (i + j) % 2, lambda i, j: i % 2, lambda i, j: j % 3, lambda i, j: (i + j) % 3,
        lambda i, j: (i // 2 + j // 3) % 2, lambda i, j: i * j % 2 + i * j % 3,
        lambda i, j: (i * j % 2 + i * j % 3) % 2,
        lambda i, j: ((i + j) % 2 + i * j % 3) % 2,
    )  # fmt: skip
    stream = [modules[y][x] ^ (rules[mask](y, x) == 0) for y, x in _zigzag(count) if free[y][x]]
    words = [int("".join(map(str, stream[at : at + 8])), 2) for at in range(0, len(stream) // 8 * 8, 8)]
    sizes = [
        block.num_data
        for block in consts.ECC[version][getattr(consts, f"ERROR_LEVEL_{level}")]
        for _ in range(block.num_blocks)
    ]
    blocks: list[list[int]] = [[] for _ in sizes]
    source = iter(words)
    for place in range(max(sizes)):
        for block, size in zip(blocks, sizes, strict=True):
            if place < size:
                block.append(next(source))
    data = "".join(f"{word:08b}" for block in blocks for word in block)
    assert data[:4] == "0100"  # bytes
    width = 8 if version < 10 else 16
    length = int(data[4 : 4 + width], 2)
    start = 4 + width
    return bytes(int(data[start + 8 * at : start + 8 * at + 8], 2) for at in range(length)).decode()


def _zigzag(count: int) -> Iterator[tuple[int, int]]:
    """Rows and columns in the order of the bits: pairs of columns from the right, up and down by turns."""
    upwards, right = True, count - 1
    while right > 0:
        right -= right == 6  # the timing column
        for y in range(count - 1, -1, -1) if upwards else range(count):
            yield y, right
            yield y, right - 1
        upwards, right = not upwards, right - 2
