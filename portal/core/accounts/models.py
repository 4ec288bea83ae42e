"""People, their roles, devices and tokens."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from portal.core.accounts import permissions
from portal.core.common.models import Record, SoftDeleted
from portal.core.tenancy.models import Organization, TenantModel
from portal.core.tenancy.scope import Actor


class Role(Record):
    """Built-in roles have no organisation and take their rights from the catalogue; custom ones list theirs."""

    organization = models.ForeignKey(
        Organization, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    key = models.SlugField(_("key"), max_length=50)
    name = models.CharField(_("name"), max_length=100)
    description = models.CharField(_("description"), max_length=300, blank=True)
    permissions = models.JSONField(_("rights"), default=list, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    audit_entity = "role"

    class Meta:
        verbose_name = _("role")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint("organization", Lower("key"), name="role_key_once", nulls_distinct=False),
        ]

    def __str__(self) -> str:
        return str(permissions.BUILTIN_ROLES.get(self.key, self.name)) if self.is_system else self.name

    @property
    def is_system(self) -> bool:
        return self.organization_id is None

    @property
    def codes(self) -> frozenset[str]:
        return permissions.builtin(self.key) if self.is_system else frozenset(self.permissions)


class UserManager(BaseUserManager["User"]):
    """Not scoped: sign-in looks people up before an organisation is known. Row-level security binds it all the same."""

    def get_by_natural_key(self, username: str | None) -> "User":
        text = (username or "").strip()
        return self.select_related("role", "organization").get(
            Q(email__iexact=text) | Q(username__iexact=text), deleted_at=None
        )


class User(AbstractBaseUser, Record, SoftDeleted):
    """A person of one organisation; only a SuperAdmin has none."""

    organization = models.ForeignKey(
        Organization,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="users",
        editable=False,
        verbose_name=_("organisation"),
    )
    email = models.EmailField(_("e-mail"), max_length=254)
    username = models.CharField(_("user name"), max_length=100, null=True, blank=True)
    name = models.CharField(_("name"), max_length=150)
    role = models.ForeignKey(Role, models.PROTECT, related_name="users", verbose_name=_("role"))
    department = models.CharField(_("department"), max_length=100, blank=True)
    phone = models.CharField(_("phone"), max_length=50, blank=True)
    avatar = models.CharField(_("avatar"), max_length=300, blank=True)
    language = models.CharField(
        _("language"),
        max_length=2,
        blank=True,
        choices=[("ar", _("Arabic")), ("fr", _("French")), ("en", _("English"))],
    )
    preferences = models.JSONField(_("preferences"), default=dict, blank=True)
    extra_permissions = models.JSONField(_("rights granted beside the role"), default=list, blank=True)
    denied_permissions = models.JSONField(_("rights taken away"), default=list, blank=True)
    all_projects = models.BooleanField(_("all projects"), default=True)
    is_active = models.BooleanField(_("active"), default=True)
    # Grows when every token of this person must die: deactivation, deletion, change of role or password.
    token_epoch = models.IntegerField(default=0, editable=False)
    version = models.BigIntegerField(default=1, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    audit_entity = "user"
    audit_ignored = ("password", "last_login", "token_epoch")

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(Lower("email"), condition=Q(deleted_at=None), name="user_email_once"),
            models.UniqueConstraint(Lower("username"), condition=Q(deleted_at=None), name="user_username_once"),
        ]
        indexes = [models.Index(fields=["organization", "name", "id"], name="user_by_name")]

    def __str__(self) -> str:
        return self.name or self.email

    @property
    def role_key(self) -> str:
        return self.role.key

    @property
    def is_superadmin(self) -> bool:
        return self.role.is_system and self.role.key == permissions.SUPERADMIN

    @cached_property
    def permission_codes(self) -> frozenset[str]:
        return (self.role.codes | frozenset(self.extra_permissions)) - frozenset(self.denied_permissions)

    def has_permission(self, code: str) -> bool:
        return self.is_active and code in self.permission_codes

    def actor(self, **more: Any) -> Actor:
        """This person as the audit log records them."""
        return Actor(user=self.pk, name=self.name, email=self.email, role=self.role_key, **more)


class Device(TenantModel):
    """A phone or a computer that pushes and pulls; one row per person and device id."""

    class Status(models.TextChoices):
        ACTIVE = "active", _("Active")
        REVOKED = "revoked", _("Revoked")
        BLOCKED = "blocked", _("Blocked")

    user = models.ForeignKey(User, models.PROTECT, related_name="devices", verbose_name=_("person"))
    device_id = models.CharField(_("device id"), max_length=200)
    device_name = models.CharField(_("name"), max_length=200, blank=True)
    device_model = models.CharField(_("model"), max_length=200, blank=True)
    os_version = models.CharField(_("system"), max_length=100, blank=True)
    app_version = models.CharField(_("app version"), max_length=50, blank=True)
    platform = models.CharField(_("platform"), max_length=20, blank=True)
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.ACTIVE)
    last_seen_at = models.DateTimeField(_("last seen"), null=True, blank=True)
    push_token = models.CharField(max_length=500, blank=True)

    audit_entity = "device"
    audit_label = "device_name"
    audit_ignored = ("push_token", "last_seen_at")

    class Meta:
        verbose_name = _("device")
        ordering = ["-last_seen_at", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "user", "device_id"], name="device_once_per_person"),
        ]


class RefreshToken(Record):
    """One link of a rotating family; only its hash is kept. A spent link that comes back kills the family."""

    organization = models.ForeignKey(Organization, models.CASCADE, null=True, related_name="+", db_index=False)
    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    device = models.ForeignKey(Device, models.CASCADE, null=True, related_name="+")
    family = models.UUIDField(db_index=True)
    surface = models.CharField(max_length=10, choices=[("v1", "v1"), ("mobile", "mobile")], default="v1")
    token_hash = models.CharField(max_length=64, unique=True)
    access_jti = models.UUIDField(null=True)
    remember_me = models.BooleanField(default=False)
    expires_at = models.DateTimeField()
    rotated_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    ip = models.CharField(max_length=45, blank=True)
    agent = models.CharField(max_length=300, blank=True)


class RevokedToken(models.Model):
    """Access tokens that logout or a replayed refresh token ended before their time."""

    jti = models.UUIDField(primary_key=True)
    expires_at = models.DateTimeField(db_index=True)


class LoginFailure(models.Model):
    """Failed sign-ins per identifier, known or not: five within 15 minutes lock it."""

    identifier = models.CharField(max_length=254)
    ip = models.CharField(max_length=45, blank=True)
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [models.Index(fields=["identifier", "at"], name="login_failure_recent")]
