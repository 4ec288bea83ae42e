"""Shapes of customers (specification 002; contract of the rooms, section 3)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from django.http import HttpRequest
from pydantic import ConfigDict, Field

from api.kit import In, Listing, Out
from api.kit.periods import period
from api.v1.projects.schemas import SERVER, some_of
from portal.crm.customers.choices import Size, Status
from portal.crm.customers.selectors import Filters

_CUSTOMER = "01941f50-0000-7000-8000-000000000001"


class Narrowing(Listing):
    """The filters that list, search, export and figures share."""

    search: str = Field(
        "", max_length=300, description="Words of names, e-mail, phone, city or numbers, in any spelling"
    )
    q: str = Field("", max_length=300, description="Alias of search")
    status: some_of(Status.values) = Field([], description="Repeatable")  # type: ignore[valid-type]
    size: some_of(Size.values) = Field([], description="Repeatable")  # type: ignore[valid-type]
    industry: str = Field("", max_length=100)
    country: str = Field("", max_length=2, description="Two letters")
    city: str = Field("", max_length=100)
    company_name: str = Field("", max_length=200)
    contact_name: str = Field("", max_length=200)
    email: str = Field("", max_length=254)
    phone: str = Field("", max_length=30, description="E.164")
    address: str = Field("", max_length=300)
    external_id: str = Field("", max_length=100)
    tax_number: str = Field("", max_length=40)
    assigned_to: str = Field("", max_length=36, description="A person's id, `me`, or `none`")
    tags: list[str] = Field([], max_length=20, description="Ids or names; repeated: all of them")
    inactive_days: int | None = Field(None, ge=0, le=10_000, description="No activity for more than so many days")
    date_from: str = Field("", max_length=40, description="Created on this day or later", examples=["2026-02-01"])
    date_to: str = Field("", max_length=40, description="Created on this day or earlier")
    from_: str = Field("", alias="from", max_length=40, description="Alias of dateFrom")
    to: str = Field("", max_length=40, description="Alias of dateTo")

    def filters(self, request: HttpRequest, *, dated: bool = True) -> Filters:
        """Raises VALIDATION_ERROR for false dates. Figures take the dates as their period (`dated=False`)."""
        window = period(request, self.date_from or self.from_, self.date_to or self.to)
        assigned = self.assigned_to if self.assigned_to in ("", "me", "none") else str(_person(self.assigned_to))
        return Filters(
            search=self.search or self.q,
            statuses=tuple(self.status),
            sizes=tuple(self.size),
            industry=self.industry,
            country=self.country.upper(),
            city=self.city,
            company_name=self.company_name,
            contact_name=self.contact_name,
            email=self.email.lower(),
            phone=self.phone,
            address=self.address,
            external_id=self.external_id,
            tax_number=self.tax_number,
            assigned_to=assigned,
            tags=tuple(tag for tag in self.tags if tag),
            inactive_days=self.inactive_days,
            since=window.since if dated else None,
            until=window.until if dated else None,
        )


def _person(said: str) -> UUID:
    from api.kit.schemas import uuid_in

    return uuid_in(said, "assignedTo")


class CustomerQuery(Narrowing):
    sortable: ClassVar[Mapping[str, str]] = {
        "createdAt": "created_at",
        "updatedAt": "updated_at",
        "companyName": "name",
        "name": "name",
        "contactName": "contact_name",
        "status": "status",
        "city": "city",
        "country": "country",
        "industry": "industry",
        "lastActivityAt": "last_activity_at",
    }


class ExportQuery(CustomerQuery):
    format: Literal["csv", "json", "xlsx"] = "csv"


class CustomerIn(In):
    """What a client may write; `companyName` or `contactName` is required on create."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "companyName": "Société des Eaux Atlas",
                "contactName": "Amina El Idrissi",
                "email": "amina@eaux-atlas.example",
                "phone": "+212 522 12 34 56",
                "address": "12, avenue Hassan II",
                "city": "Casablanca",
                "country": "MA",
                "industry": "Water",
                "size": "enterprise",
                "status": "active",
                "tags": ["VIP"],
                "notes": "Key client",
                "customFields": {},
            }
        }
    )
    aliases: ClassVar[Mapping[str, str]] = {
        **{name: name for name in (*SERVER, "id", "assignedUser", "statusChangedAt", "lastActivityAt", "createdBy")},
        "assignedToId": "assigned_to",
    }

    company_name: str | None = Field(None, max_length=200)
    contact_name: str | None = Field(None, max_length=200)
    email: str | None = Field(None, max_length=254)
    phone: str | None = Field(None, description="Any usual spelling; kept as E.164")
    address: str | None = Field(None, max_length=300)
    city: str | None = Field(None, max_length=100)
    country: str | None = Field(None, description="Two letters, or the name in English, French or Arabic")
    industry: str | None = Field(None, max_length=100)
    size: str | None = Field(None, description=", ".join(Size.values))
    status: str | None = Field(None, description=", ".join(Status.values))
    status_reason: str | None = Field(None, max_length=300)
    tags: list[str] | None = Field(None, description="Ids or names; unknown names are made")
    notes: str | None = Field(None, description="A summary; single notes are at …/notes")
    external_id: str | None = Field(None, max_length=100, description="Unique; a number in another system")
    tax_number: str | None = Field(None, max_length=40)
    assigned_to: UUID | None = Field(None, description="An active person of the organisation")
    custom_fields: dict[str, Any] | None = Field(None, description="Of the organisation's fields, where it has any")
    force: bool = Field(False, description="Although it seems to be there already")


class CustomerChange(CustomerIn):
    """Absent fields stay as they are, null clears."""

    model_config = ConfigDict(json_schema_extra={"example": {"status": "active", "version": 3}})

    version: int | None = Field(None, description="The version that you changed; a stale one is 409 VERSION_CONFLICT")


class TagOut(Out):
    id: UUID
    name: str = Field(examples=["VIP"])
    color: str = Field(examples=["#f59e0b"])


class TagUsage(TagOut):
    usage: int = Field(description="Customers that have it")


class PersonOut(Out):
    id: UUID
    name: str
    email: str


class CustomerOut(Out):
    id: UUID = Field(examples=[_CUSTOMER])
    company_name: str
    contact_name: str
    email: str
    phone: str = Field(examples=["+212522123456"])
    address: str
    city: str
    country: str = Field(examples=["MA"])
    industry: str
    size: str
    status: str
    status_reason: str
    status_changed_at: datetime
    tags: list[TagOut]
    notes: str
    external_id: str
    tax_number: str
    assigned_to: UUID | None
    assigned_user: PersonOut | None
    custom_fields: dict[str, Any]
    last_activity_at: datetime
    created_by: UUID | None
    created_at: datetime
    updated_at: datetime
    version: int
    organization_id: UUID
    tenant_id: UUID


class DeleteQuery(In):
    cascade: Literal["", "archive"] = Field("", description="archive: open deals, tickets and contracts go with it")


class TagIn(In):
    name: str = Field(max_length=50)
    color: str = Field("", max_length=7, examples=["#0f766e"])


class TagChange(In):
    name: str | None = Field(None, max_length=50)
    color: str | None = Field(None, max_length=7)


class TagMerge(In):
    target: UUID
    sources: list[UUID] = Field(min_length=1, max_length=50)


class TagMerged(Out):
    moved: int = Field(description="Customers that got the target")


class NoteQuery(Listing):
    pass


class NoteIn(In):
    aliases: ClassVar[Mapping[str, str]] = {
        "text": "content",
        "note": "content",
        "pinned": "is_pinned",
        "private": "is_private",
    }

    content: str = Field(max_length=20_000, description="Markdown; @user.name and @e-mail mention people")
    is_pinned: bool = False
    is_private: bool = Field(False, description="For its author alone")


class NoteChange(In):
    aliases: ClassVar[Mapping[str, str]] = NoteIn.aliases

    content: str | None = Field(None, max_length=20_000)
    is_pinned: bool | None = None
    is_private: bool | None = None


class NoteOut(Out):
    id: UUID
    content: str
    html: str = Field(description="Sanitised")
    is_pinned: bool
    is_private: bool
    mentions: list[UUID]
    created_by: UUID | None
    author_name: str
    created_at: datetime
    edited_at: datetime | None


class ActivityQuery(In):
    cursor: str = Field("", max_length=300)
    limit: int = Field(50, ge=1, le=200)
    type: list[str] = Field([], max_length=20, description="Types (`sale.stage`) or what stands before the dot")
    user_id: UUID | None = None
    date_from: str = Field("", max_length=40)
    date_to: str = Field("", max_length=40)


class ActivityOut(Out):
    id: UUID
    type: str = Field(examples=["customer.updated"])
    description: str
    user_id: UUID | None
    user_name: str
    subject_id: UUID | None
    created_at: datetime
    data: dict[str, Any]


class StatsOut(Out):
    total: int
    active: int
    new: int
    growth: float | None
    churn: float | None
    inactive90d: int = Field(alias="inactive90d")
    by_status: dict[str, int]
    by_industry: dict[str, int]
    by_size: dict[str, int]
    by_country: dict[str, int]
    by_owner: dict[str, int]
    by_tag: dict[str, int]
    owners: dict[str, str] = Field(description="Names of the people in byOwner")


class MergeIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"targetId": "target", "sourceIds": "sources"}

    target: UUID
    sources: list[UUID] = Field(min_length=1)
    field_choices: dict[str, UUID] = Field({}, description="Field: the customer whose value stays")
    dry_run: bool = False


class MergeOut(Out):
    target: CustomerOut
    moved: dict[str, int]
    merge_id: UUID | None


class _Ids(In):
    aliases: ClassVar[Mapping[str, str]] = {"customerIds": "ids"}

    ids: list[str] = Field(description="At most 200")


class BulkDelete(_Ids):
    cascade: Literal["", "archive"] = ""


class BulkUpdate(_Ids):
    aliases: ClassVar[Mapping[str, str]] = {
        "customerIds": "ids",
        "changes": "wanted",
        "updates": "wanted",
        "data": "wanted",
    }

    wanted: dict[str, Any] = Field(
        alias="changes", description="Of status, statusReason, industry, size, city, country, assignedTo, customFields"
    )


class BulkAssign(_Ids):
    aliases: ClassVar[Mapping[str, str]] = {
        "customerIds": "ids",
        "userId": "assigned_to",
        "assignedToId": "assigned_to",
    }

    assigned_to: UUID | list[UUID] | None = Field(description="One person, null for nobody, or several in turn")


class BulkTag(_Ids):
    aliases: ClassVar[Mapping[str, str]] = {"customerIds": "ids", "tagIds": "tags", "action": "mode"}

    tags: list[str]
    mode: str = "add"


class BulkItem(Out):
    id: str
    success: bool
    error: dict[str, Any] | None


class BulkOut(Out):
    succeeded: int
    failed: int
    results: list[BulkItem]


class ImportOut(Out):
    import_id: UUID
    status: str = Field(examples=["done"])
    dry_run: bool
    filename: str
    job_id: UUID | None
    headings: list[str]
    mapping: dict[str, str]
    total: int
    to_create: int
    to_update: int
    created: int
    updated: int
    unchanged: int
    skipped: int
    failed: int
    imported: int
    dup_in_file: int
    dup_in_db: int
    removed: int = Field(description="By a revert")
    restored: int = Field(description="By a revert")
    kept: int = Field(description="By a revert, because somebody changed or used them")
    left: list[dict[str, Any]]
    errors: list[dict[str, Any]] = Field(description="[{row, column, field, code, value, message}], row 1 the first")
    created_at: datetime
    finished_at: datetime | None
