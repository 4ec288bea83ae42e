"""Projects, who works in them, and tasks: what specifications 000, 001, 003 and 004 share (C55)."""

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from portal.core.common import clock
from portal.core.common.models import SoftDeleted
from portal.core.projects.choices import OPEN_TASK, ProjectStatus, TaskPriority, TaskStatus
from portal.core.sync.models import SyncedModel
from portal.core.tenancy.models import TenantModel


class Project(SyncedModel):
    """A piece of work with a window in which it takes data; a missing bound is open. Written by `services` alone."""

    name = models.CharField(_("name"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    start_date = models.DateTimeField(_("start"), null=True, blank=True)
    end_date = models.DateTimeField(_("end"), null=True, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=ProjectStatus, default=ProjectStatus.DRAFT)
    metadata = models.JSONField(_("further details"), default=dict, blank=True)
    search_text = models.TextField(default="", editable=False)

    audit_entity = "project"

    class Meta:
        verbose_name = _("project")
        verbose_name_plural = _("projects")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "local_sync_id"], name="project_local_id_once"),
            models.CheckConstraint(
                condition=Q(start_date=None) | Q(end_date=None) | Q(end_date__gt=F("start_date")),
                name="project_window",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "-created_at", "-id"], condition=Q(deleted_at=None), name="project_newest"
            ),
            models.Index(
                fields=["organization", "status", "-created_at", "-id"],
                condition=Q(deleted_at=None),
                name="project_by_status",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class ProjectMember(TenantModel):
    """That a person works in a project, and as what. People with `all_projects` see every project without it."""

    project = models.ForeignKey(Project, models.CASCADE, related_name="members", verbose_name=_("project"))
    user = models.ForeignKey("accounts.User", models.CASCADE, related_name="+", verbose_name=_("person"))
    role_in_project = models.CharField(_("role in the project"), max_length=100, blank=True)
    assigned_at = models.DateTimeField(_("member since"), default=clock.now, editable=False)

    audit_entity = "project_member"
    audit_label = "role_in_project"

    class Meta:
        verbose_name = _("project member")
        verbose_name_plural = _("project members")
        ordering = ["assigned_at", "id"]
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="project_member_once")]
        indexes = [models.Index(fields=["organization", "user"], name="project_member_of")]

    def __str__(self) -> str:
        return self.role_in_project


class Task(SyncedModel):
    """Something that one person does, in a project or on its own. `overdue` is derived, never stored."""

    project = models.ForeignKey(
        Project, models.PROTECT, null=True, blank=True, related_name="tasks", verbose_name=_("project")
    )
    title = models.CharField(_("title"), max_length=200)
    description = models.TextField(_("description"), blank=True)
    instructions = models.TextField(_("instructions"), blank=True)
    requirements = models.JSONField(_("requirements"), default=list, blank=True)  # texts
    status = models.CharField(_("status"), max_length=12, choices=TaskStatus, default=TaskStatus.PENDING)
    priority = models.CharField(_("priority"), max_length=8, choices=TaskPriority, default=TaskPriority.MEDIUM)
    assigned_to = models.ForeignKey(
        "accounts.User", models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("assigned to")
    )
    assigned_at = models.DateTimeField(_("assigned"), null=True, editable=False)
    due_date = models.DateTimeField(_("due"), null=True, blank=True)
    estimated_duration = models.IntegerField(
        _("estimated duration (minutes)"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1), MaxValueValidator(525_600)],
    )
    notes = models.TextField(_("notes"), blank=True)
    search_text = models.TextField(default="", editable=False)

    audit_entity = "task"
    audit_label = "title"
    sync_derived = ("assigned_at",)

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "local_sync_id"], name="task_local_id_once"),
            models.CheckConstraint(
                condition=~Q(status="assigned") | Q(assigned_to__isnull=False), name="task_assigned_to_somebody"
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "-created_at", "-id"], condition=Q(deleted_at=None), name="task_newest"
            ),
            models.Index(
                fields=["project", "status", "-created_at", "-id"], condition=Q(deleted_at=None), name="task_of_project"
            ),
            models.Index(
                fields=["assigned_to", "status", "due_date"], condition=Q(deleted_at=None), name="task_of_person"
            ),
            models.Index(fields=["organization", "due_date"], condition=Q(deleted_at=None), name="task_by_due_date"),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def overdue(self) -> bool:
        return self.status in OPEN_TASK and self.due_date is not None and self.due_date < clock.now()


class TaskComment(TenantModel, SoftDeleted):
    """What people say about a task, oldest first."""

    task = models.ForeignKey(Task, models.CASCADE, related_name="comments", verbose_name=_("task"))
    author = models.ForeignKey("accounts.User", models.PROTECT, related_name="+", verbose_name=_("author"))
    content = models.TextField(_("comment"))

    audit_entity = "task_comment"
    audit_label = "content"

    class Meta:
        verbose_name = _("comment")
        verbose_name_plural = _("comments")
        ordering = ["created_at", "id"]
        indexes = [models.Index(fields=["task", "created_at", "id"], name="task_comment_of")]

    def __str__(self) -> str:
        return self.content[:80]
