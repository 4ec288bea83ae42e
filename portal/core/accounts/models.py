"""People, their roles, devices and tokens."""

from typing import Any, ClassVar

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.core.checks import CheckMessage
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import F, Func, Q, Value
from django.db.models.functions import Coalesce, Concat, Lower
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from portal.core.accounts import permissions
from portal.core.accounts.permissions import Grants
from portal.core.common.models import Record, SoftDeleted
from portal.core.tenancy.models import Organization, TenantModel
from portal.core.tenancy.scope import Actor

# The letters that `common.text.normalise` equates, for a column that PostgreSQL computes; marks that it drops last.
_FOLDED = (
    "أإآٱةىؤئکیàâäáãåçèéêëìíîïñòóôöõùúûüýÿ" + "".join(chr(0x0660 + n) + chr(0x06F0 + n) for n in range(10)),
    "ااااهيويكيaaaaaaceeeeiiiinooooouuuuyy" + "".join(f"{n}{n}" for n in range(10)),
)
_DROPPED = "".join(map(chr, (0x0640, 0x0670, *range(0x064B, 0x0660))))


def _search_text(*columns: str) -> Func:
    """Lower case, one spelling: what `normalise` makes of the usual letters of Arabic, French and English."""
    parts = [piece for column in columns for piece in (Coalesce(F(column), Value("")), Value(" "))]
    text = models.TextField()
    return Func(
        Lower(Concat(*parts, output_field=text)),
        Value(_FOLDED[0] + _DROPPED),
        Value(_FOLDED[1]),
        function="translate",
        output_field=text,
    )


class _Computed(models.GeneratedField):
    """A column that PostgreSQL computes, without the system check that asks a server: it may not run yet."""

    def check(self, **kwargs: Any) -> list[CheckMessage]:
        return super().check(**{**kwargs, "databases": []})

    def deconstruct(self) -> Any:
        name, _path, args, kwargs = super().deconstruct()
        return name, "django.db.models.GeneratedField", args, kwargs


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
            models.UniqueConstraint(
                "organization", Lower("key"), condition=Q(deleted_at=None), name="role_key_once", nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return str(permissions.BUILTIN_ROLES.get(self.key, self.name)) if self.is_system else self.name

    @property
    def is_system(self) -> bool:
        return self.organization_id is None

    @cached_property
    def grants(self) -> Grants:
        return permissions.builtin(self.key) if self.is_system else permissions.grants(self.permissions)


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
    username = models.CharField(
        _("user name"),
        max_length=100,
        null=True,
        blank=True,
        # without @, so that nobody's user name is somebody else's address
        validators=[RegexValidator(r"^[\w.+-]+$", _("Letters, digits and . _ + - only."))],
    )
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
    mfa_enabled = models.BooleanField(_("two-step sign-in"), default=False, editable=False)
    # The encrypted secret of a two-step sign-in that is being set up.
    mfa_pending = models.TextField(blank=True, default="", editable=False)
    # Grows when every access token of this person must die: deactivation, deletion, change of role or password.
    token_epoch = models.IntegerField(default=0, editable=False)
    # Grows when the person's portal sessions must end too.
    session_epoch = models.IntegerField(default=0, editable=False)
    search_text = _Computed(
        expression=_search_text("name", "email", "username", "department"),
        output_field=models.TextField(),
        db_persist=True,
        editable=False,
    )
    version = models.BigIntegerField(default=1, editable=False)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    audit_entity = "user"
    audit_ignored = ("password", "last_login", "token_epoch", "session_epoch", "mfa_pending")

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
    def grants(self) -> Grants:
        """Every right with the scope that it is held for: role and extra rights, less what was taken away."""
        held = dict(self.role.grants)
        for code, scope in permissions.grants(self.extra_permissions).items():
            held[code] = permissions.wider(held.get(code, ""), scope)
        return {code: scope for code, scope in held.items() if code not in self.denied_permissions}

    @cached_property
    def permission_codes(self) -> frozenset[str]:
        return frozenset(self.grants)

    def has_permission(self, code: str) -> bool:
        return self.is_active and code in self.permission_codes

    def _get_session_auth_hash(self, secret: str | bytes | None = None) -> str:
        """Django's, with the epoch: a new one ends every portal session."""
        told: str = super()._get_session_auth_hash(secret)  # type: ignore[misc]  # unknown to the stubs
        return f"{told}{self.session_epoch or ''}"

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


class Avatar(Record):
    """A portrait in two sizes, re-encoded as WebP. Its address is unguessable, so that an `<img>` can show it."""

    organization = models.ForeignKey(Organization, models.CASCADE, null=True, related_name="+", db_index=False)
    user = models.OneToOneField(User, models.CASCADE, related_name="+")
    token = models.CharField(max_length=64, unique=True)
    small = models.BinaryField()  # 64 x 64 pixels
    large = models.BinaryField()  # 256 x 256 pixels

    objects = ScopedManager(organization="organization")


class Invitation(TenantModel):
    """An offer to join. Only the hash of its token is kept; the token follows from `nonce` and the secret key."""

    class Status(models.TextChoices):
        PENDING = "Pending", _("Pending")
        ACCEPTED = "Accepted", _("Accepted")
        EXPIRED = "Expired", _("Expired")
        CANCELLED = "Cancelled", _("Cancelled")

    email = models.EmailField(_("e-mail"), max_length=254)
    role = models.ForeignKey(Role, models.PROTECT, related_name="+", verbose_name=_("role"))
    projects = models.JSONField(_("projects"), null=True, blank=True)  # None: all of them
    status = models.CharField(_("status"), max_length=10, choices=Status, default=Status.PENDING)
    nonce = models.CharField(max_length=32, editable=False)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    expires_at = models.DateTimeField(_("expires"))
    accepted_at = models.DateTimeField(_("accepted"), null=True, editable=False)
    accepted_by = models.ForeignKey(User, models.PROTECT, null=True, editable=False, related_name="+")
    sent_by = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("sent by"))
    sent_at = models.JSONField(default=list, editable=False)  # moments of the last mails, newest last

    audit_entity = "invitation"
    audit_label = "email"
    audit_ignored = ("nonce", "token_hash", "sent_at")

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                "organization", Lower("email"), condition=Q(status="Pending"), name="invitation_pending_once"
            ),
        ]
        indexes = [models.Index(fields=["organization", "-created_at", "-id"], name="invitation_recent")]

    def __str__(self) -> str:
        return self.email


class PasswordReset(Record):
    """A mailed chance to choose a new password, for an hour and once."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+")
    token_hash = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)


class SupportSession(TenantModel):
    """A SuperAdmin works inside an organisation in the portal, for a reason and at most an hour."""

    user = models.ForeignKey(User, models.PROTECT, related_name="+", verbose_name=_("person"))
    user_name = models.CharField(max_length=150, editable=False)  # row-level security hides the platform's people
    reason = models.CharField(_("reason"), max_length=300)
    expires_at = models.DateTimeField(_("expires"))
    ended_at = models.DateTimeField(_("ended"), null=True, editable=False)

    audit_entity = "support_session"
    audit_label = "reason"

    class Meta:
        verbose_name = _("support session")
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["user"], condition=Q(ended_at=None), name="support_session_one_open"),
        ]

    def __str__(self) -> str:
        return self.reason


class SavedFilter(TenantModel):
    """Filters and order of a list under a name; `shared` ones are everybody's of the organisation to use.

    `place` names the list (its view), `query` is the query string without the page.
    """

    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("person"))
    place = models.CharField(max_length=80)
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(max_length=2000)
    shared = models.BooleanField(_("for everybody in the organisation"), default=False)

    class Meta:
        verbose_name = _("saved filter")
        verbose_name_plural = _("saved filters")
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "place", "user", "name"], name="saved_filter_name_once"),
        ]

    def __str__(self) -> str:
        return self.name


class KeptSetting(TenantModel):
    """How somebody likes one place of the portal: columns and density of a list, the first steps put away."""

    user = models.ForeignKey(User, models.CASCADE, related_name="+", verbose_name=_("person"))
    place = models.CharField(max_length=80)
    value = models.JSONField(default=dict)

    class Meta:
        verbose_name = _("kept setting")
        ordering = ["place", "id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "user", "place"], name="kept_setting_once"),
        ]
