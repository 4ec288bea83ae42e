"""Contracts and amendments on paper: content without a language, frozen under its hash, drawn in three languages."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any, Final

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.audit.models import Action
from portal.core.audit.services import Event, record
from portal.core.common import clock, pdf
from portal.core.common.errors import Invalid, NotFound
from portal.core.common.frozen import snapshot_hash, verify_address
from portal.core.tenancy.models import Organization
from portal.crm.contracts import access, markup, wire
from portal.crm.contracts.choices import LANGUAGES, OPEN, Billing, Party, Status
from portal.crm.contracts.models import Amendment, Contract, ContractPaper, ContractPaperFile
from portal.crm.contracts.templating import amount

# What an amendment may have changed, as people call it.
FIELDS: Final[dict[str, Any]] = {
    "title": gettext_lazy("Title"),
    "customerId": gettext_lazy("Customer"),
    "type": gettext_lazy("Type"),
    "status": gettext_lazy("Status"),
    "value": gettext_lazy("Value"),
    "currency": gettext_lazy("Currency"),
    "fxRate": gettext_lazy("Rate to the base currency"),
    "billing": gettext_lazy("Billing"),
    "startDate": gettext_lazy("First day"),
    "endDate": gettext_lazy("Last day"),
    "termMonths": gettext_lazy("Term in months"),
    "noticeDays": gettext_lazy("Notice in days"),
    "autoRenew": gettext_lazy("Renews itself"),
    "terms": gettext_lazy("Terms"),
    "lines": gettext_lazy("Lines"),
    "ownerId": gettext_lazy("Person in charge"),
    "signatories": gettext_lazy("Signatories"),
    "signedOn": gettext_lazy("Signed on"),
    "noticeGivenOn": gettext_lazy("Notice given on"),
    "terminationDate": gettext_lazy("Ends early on"),
}
COLOURS: Final = {"pass": "#2f9e5b", "warning": "#e0a21b", "fail": "#c92a2a", "pending": "#b8c2cc"}  # of ui/pdf.css
_TAGS: Final = re.compile(r"<[^>]+>")
_KEPT: Final = (
    "title", "value", "currency", "billing", "startDate", "endDate", "termMonths", "noticeDays", "autoRenew", "terms",
    "lines", "signatories", "status", "terminationDate",
)  # fmt: skip


def compile_content(contract: Contract, *, version: int | None = None, amendment: int | None = None) -> dict[str, Any]:
    """What the paper says. `version` n: as it was after amendment n, 0 as first agreed; None: as it is. `amendment` n:
    the paper of that amendment alone. Raises NotFound for a number that there is not."""
    amendments = list(Amendment.objects.filter(contract=contract).order_by("number"))
    last = len(amendments)
    version = amendment if amendment is not None else last if version is None else version
    if not 0 <= version <= last or amendment == 0:
        raise NotFound(_("There is no such version of this contract."))
    said = {name: value for name, value in wire.facts(contract).items() if name in _KEPT}
    for later in reversed(amendments[version:]):
        said |= {name: old for name, (old, _new) in later.changes.items() if name in said}
    organization, customer = access.organization(), contract.customer
    return {
        **said,
        "number": paper_number(contract, version),
        "contractId": str(contract.pk),
        "contractNumber": contract.number,
        "organizationId": str(contract.organization_id),
        "version": version,
        "amendment": amendment,
        "signedOn": wire.plain(contract.signed_on),
        "type": {"en": contract.type.name, "ar": contract.type.name_ar, "fr": contract.type.name_fr},
        "us": _us(organization),
        "customer": {
            "name": customer.name,
            "contact": customer.contact_name if customer.contact_name != customer.name else "",
            "address": ", ".join(filter(None, (customer.address, customer.city, customer.country))),
            "reach": " · ".join(filter(None, (customer.phone, customer.email))),
            "taxNumber": customer.tax_number,
        },
        "renews": contract.predecessor.number if contract.predecessor else "",
        "amendments": [
            {
                "number": row.number,
                "reason": row.reason,
                "day": wire.plain(_day(row, organization)),
                "changes": row.changes,
            }
            for row in amendments[:version]
            if amendment is None or row.number == amendment
        ],
    }


def paper_number(contract: Contract, version: int) -> str:
    return f"{contract.number}-A{version}" if version else contract.number


def _day(row: Amendment, organization: Organization) -> date:
    return row.created_at.astimezone(clock.zone(organization.time_zone)).date()


def _us(organization: Organization) -> dict[str, str]:
    return {
        "name": organization.name,
        "address": ", ".join(filter(None, (organization.address, organization.city, organization.country))),
        "reach": " · ".join(filter(None, (organization.phone, organization.email))),
    }


def contract_pdf(
    *, contract: Contract, language: str, by: User, version: int | None = None, amendment: int | None = None
) -> ContractPaperFile:
    """The PDF in ar, fr or en; drawn once per content and language, and kept. Raises Invalid, NotFound."""
    if language not in dict(LANGUAGES):
        raise Invalid.field("lang", _("The language is ar, fr or en."), "unknown")
    content = compile_content(contract, version=version, amendment=amendment)
    digest = snapshot_hash(content)
    paper, _made = ContractPaper.objects.get_or_create(
        contract=contract,
        snapshot_hash=digest,
        defaults={
            "organization_id": contract.organization_id,
            "number": content["number"],
            "content": content,
            "generated_at": clock.now(),
            "generated_by": by,
        },
    )
    kept = ContractPaperFile.objects.filter(paper=paper, language=language).first()
    if kept is None:
        drawn = draw(paper, language)
        kept, _made = ContractPaperFile.objects.get_or_create(
            paper=paper,
            language=language,
            defaults={
                "organization_id": contract.organization_id,
                "content": drawn,
                "sha256": hashlib.sha256(drawn).hexdigest(),
            },
        )
    record(Event(Action.EXPORT, "contract", str(contract.pk), {"format": f"pdf-{language}"}, label=paper.number))
    return kept


def draw(paper: ContractPaper, language: str) -> bytes:
    with translation.override(language):
        context = {"words": Wording(paper, language), "paper": paper}
        context["qr"] = pdf.qr(verify_address(paper.number, paper.snapshot_hash))
        return pdf.render(
            "crm/contracts/pdf.html",
            context,
            number=paper.number,
            colours=COLOURS,
            style="crm/contracts/pdf.css",
        )


def paper_check(paper: ContractPaper) -> bool:
    """Whether it is what was issued: its content has the hash, and its columns say what the content says."""
    said = (paper.content.get("number"), paper.content.get("contractId"))
    return snapshot_hash(paper.content) == paper.snapshot_hash and said == (paper.number, str(paper.contract_id))


def newer_number(paper: ContractPaper) -> str:
    """The number of the paper that is in force instead, '' where this one is."""
    last = Amendment.objects.filter(contract=paper.contract_id).count()
    held = paper.content.get("version", 0)
    return paper_number(paper.contract, last) if last > held else ""


def kind_words(paper: ContractPaper) -> str:
    """What the paper is, for the public page: a contract or an amendment, and its state when it was printed."""
    what = _("Amendment to a contract") if paper.content.get("amendment") else _("Contract")
    return f"{what} ({Status(paper.content.get('status', Status.DRAFT)).label})"


class Wording:
    """A frozen content in one language; read while that language is active."""

    def __init__(self, paper: ContractPaper, language: str) -> None:
        self.content: dict[str, Any] = paper.content
        self.language, self.rtl = language, language == "ar"
        self.verify_url = verify_address(paper.number, paper.snapshot_hash)

    @property
    def title(self) -> str:
        if self.content["amendment"]:
            return _("Amendment no. %(number)s") % {"number": self.content["amendment"]}
        return _("Contract")

    @property
    def mark(self) -> str:
        """What is written across the page of one that is not in force."""
        status = self.content["status"]
        if status in (Status.ACTIVE, Status.UPCOMING):
            return ""
        return _("DRAFT") if status in OPEN else str(Status(status).label)

    @property
    def type(self) -> str:
        return str(self.content["type"][self.language] or self.content["type"]["en"])

    @property
    def value(self) -> str:
        return self.money(self.content["value"])

    def money(self, value: float) -> str:
        return amount(Decimal(str(value)), self.content["currency"])

    @property
    def billing(self) -> str:
        return str(Billing(self.content["billing"]).label)

    @property
    def status(self) -> str:
        return str(Status(self.content["status"]).label)

    @property
    def lines(self) -> list[dict[str, str]]:
        return [
            {
                "description": row["description"],
                "quantity": f"{row['quantity']:g}",
                "price": amount(Decimal(str(row["unitPrice"]))),
                "discount": f"{row['discount']:g} %" if row["discount"] else "",
                "total": amount(Decimal(str(row["total"]))),
            }
            for row in self.content["lines"]
        ]

    @property
    def terms(self) -> Any:
        return markup.show(self.content["terms"])

    @property
    def terms_rtl(self) -> bool:
        """The direction of the terms is that of their own words."""
        letters = (unicodedata.bidirectional(letter) for letter in _TAGS.sub("", self.content["terms"])[:2000])
        return next((kind in ("R", "AL") for kind in letters if kind in ("L", "R", "AL")), self.rtl)

    @property
    def amendments(self) -> list[dict[str, Any]]:
        return [
            row | {"rows": change_rows(row["changes"], self.content["currency"])} for row in self.content["amendments"]
        ]

    @property
    def parties(self) -> list[dict[str, Any]]:
        """Who signs: the organisation and the customer, with the people named for each."""
        sides = ((Party.US, self.content["us"]["name"]), (Party.CUSTOMER, self.content["customer"]["name"]))
        return [
            {"name": name, "people": [row for row in self.content["signatories"] if row["party"] == party]}
            for party, name in sides
        ]


def change_rows(changes: Mapping[str, Any], currency: str = "") -> list[dict[str, Any]]:
    """`{field: [old, new]}` as people read it; `typed` where the words are somebody's own."""
    return [
        {
            "label": str(FIELDS.get(name, name)),
            "old": shown(name, old, currency),
            "new": shown(name, new, currency),
            "typed": name in ("title", "terms", "lines", "signatories"),
        }
        for name, (old, new) in changes.items()
    ]


def shown(name: str, value: Any, currency: str = "") -> str:
    """A value of the history in words."""
    if value in (None, "", []):
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if name == "value":
        return amount(Decimal(str(value)), currency)
    if name == "billing":
        return str(Billing(value).label)
    if name == "status":
        return str(dict(Status.choices).get(value, value))
    if name == "terms":
        text = " ".join(_TAGS.sub(" ", value).split())
        return text if len(text) <= 300 else f"{text[:300]}…"
    if name == "lines":
        return "; ".join(
            f"{row['description']} {row['quantity']:g} × {amount(Decimal(str(row['unitPrice'])))}" for row in value
        )
    if name == "signatories":
        return ", ".join(row["name"] for row in value)
    return str(value)
