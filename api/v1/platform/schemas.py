"""Shapes of the platform's figures, health and support sessions (003 `/admin`, 002 system health)."""

from collections.abc import Mapping
from datetime import datetime
from typing import ClassVar, Literal
from uuid import UUID

from pydantic import Field

from api.kit import In, Listing, Out

State = Literal["Healthy", "Degraded", "Unhealthy"]


class OrganizationsOut(Out):
    total: int
    active: int = Field(description="With a submission in the last 30 days")
    created_this_month: int
    dormant: int = Field(description="The others")


class UsersOut(Out):
    total: int
    by_role: dict[str, int] = Field(examples=[{"superAdmin": 1, "admin": 5, "agent": 17}])
    active: int
    inactive: int
    average_per_organization: float


class ProjectsOut(Out):
    total: int
    by_status: dict[str, int] = Field(description="closed is completed and archived together")
    average_per_organization: float


class TopOut(Out):
    organization_id: UUID
    organization_name: str
    submission_count: int


class SubmissionsOut(Out):
    total: int
    last7_days: int = Field(alias="last7Days")
    last30_days: int = Field(alias="last30Days")
    average_per_project: float
    top_organizations_by_submissions: list[TopOut] = Field(description="At most ten")


class InvitationsOut(Out):
    total: int
    pending: int
    accepted: int
    expired: int
    cancelled: int
    acceptance_rate: float = Field(description="Percent of those that neither expired nor were cancelled")


class StatsOut(Out):
    organizations: OrganizationsOut
    users: UsersOut
    projects: ProjectsOut
    submissions: SubmissionsOut
    invitations: InvitationsOut
    generated_at: datetime


class DatabaseOut(Out):
    status: State
    can_connect: bool
    provider: str
    pending_migrations: int
    applied_migrations: int
    last_migration: str


class JobsOut(Out):
    status: State
    hangfire_enabled: bool = Field(description="Whether a worker is alive")
    workers: int
    active_jobs: int
    scheduled_jobs: int
    failed_jobs: int
    queue_age_seconds: float = Field(description="How long the oldest job that is due has been waiting")


class PerformanceOut(Out):
    database_response_time_ms: float | None
    server_uptime_formatted: str = Field(examples=["2.15:34:22"])
    memory_usage_mb: float = Field(alias="memoryUsageMB")


class PartOut(Out):
    status: State


class HealthOut(Out):
    status: State = Field(description="The worst of all parts")
    timestamp: datetime
    database: DatabaseOut
    background_jobs: JobsOut
    performance: PerformanceOut
    storage: PartOut
    mail: PartOut
    audit_sealer: PartOut


class SupportIn(In):
    aliases: ClassVar[Mapping[str, str]] = {"tenantId": "organization_id"}

    organization_id: UUID
    reason: str = Field(min_length=1, max_length=300, description="The organisation's administrators read it")
    minutes: int = Field(60, ge=1, le=60)


class SupportOut(Out):
    id: UUID
    organization_id: UUID
    organization_name: str
    user_id: UUID
    user_name: str
    reason: str
    created_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    is_open: bool


class SupportQuery(Listing):
    sortable: ClassVar[Mapping[str, str]] = {"createdAt": "created_at", "expiresAt": "expires_at"}
