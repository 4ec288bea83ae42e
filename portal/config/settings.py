"""Settings of Marsad. Everything that differs between machines comes from the environment (`docs/settings.md`)."""

import os
from pathlib import Path
from typing import Any

from django.utils.csp import CSP
from django.utils.translation import gettext_lazy as _

from portal.config import env, secrets

BASE_DIR = Path(__file__).resolve().parent.parent.parent

# --- mode -------------------------------------------------------------------
MARSAD_ENV = env.choice("MARSAD_ENV", "demo", ("demo", "dev", "test", "production"))
PRODUCTION = MARSAD_ENV == "production"
DEBUG = MARSAD_ENV == "dev"
DATA_DIR = env.folder("MARSAD_DATA", BASE_DIR / "var")
MARSAD_RATE_LIMITS = env.choice("MARSAD_RATE_LIMITS", "on" if PRODUCTION else "mobile", ("on", "mobile", "off"))

SECRET_KEY = secrets.secret_key(DATA_DIR, required=PRODUCTION)
SECRET_KEY_FALLBACKS = env.names("MARSAD_SECRET_KEYS_OLD")  # what they signed and encrypted is still read
ALLOWED_HOSTS = env.names("MARSAD_HOSTS", "" if PRODUCTION else "127.0.0.1,localhost,[::1],testserver")
CSRF_TRUSTED_ORIGINS = env.names("MARSAD_ORIGINS")
PUBLIC_URL = env.text("MARSAD_PUBLIC_URL", f"http://127.0.0.1:{env.number('PORT', 8000, low=1, high=65535)}").rstrip(
    "/"
)
TRUSTED_PROXIES = env.networks("MARSAD_TRUSTED_PROXIES")

# --- database: two roles on one database -------------------------------------
# `default` is the application role, bound by row-level security. `owner` owns the schema and is used
# by migrations and the bootstrap command alone.
_owner_url, _app_url = secrets.database_urls(DATA_DIR)
DATABASES = {
    "default": env.database(_app_url, source="DATABASE_URL")
    | {"CONN_MAX_AGE": env.number("MARSAD_CONN_MAX_AGE", 600, low=0, high=86400), "CONN_HEALTH_CHECKS": True},
    "owner": env.database(_owner_url, source="DATABASE_URL"),
}
DATABASE_ROUTERS = ["portal.core.tenancy.router.OwnerRouter"]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
REDIS_URL = env.text("REDIS_URL")

# --- applications -------------------------------------------------------------
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "django_tables2",
    "django_filters",
    "crispy_forms",
    "crispy_bootstrap5",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "auditlog",
    "ninja",
    "procrastinate.contrib.django",
    "portal.core.monitoring",
    "portal.core.geo",
    "portal.core.jobs",
    "portal.core.tenancy",
    "portal.core.accounts",
    "portal.core.audit",
    "portal.core.notifications",
    "portal.core.sync",
    "portal.core.files",
    "portal.core.projects",
    "portal.ui",
    "portal.fieldwork",
    "portal.lab",
    "portal.collect",
    "portal.crm",
    "portal.survey",
    "portal.desk",
    "portal.config",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "portal.ui.middleware.SafeHeadersMiddleware",
    "portal.ui.middleware.CompressPagesMiddleware",
    "portal.core.audit.middleware.RequestIdMiddleware",
    "portal.core.monitoring.middleware.MeasureMiddleware",
    "django.middleware.csp.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "portal.core.accounts.middleware.SupportMiddleware",
    "portal.core.accounts.middleware.LanguageMiddleware",
    "portal.ui.throttle.PagesThrottleMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.ui.middleware.HtmxAuthMiddleware",
    "portal.ui.middleware.OrganizationTimeZoneMiddleware",
    "allauth.account.middleware.AccountMiddleware",
]
ROOT_URLCONF = "portal.config.urls"
ASGI_APPLICATION = "portal.config.asgi.application"
WEB_THREADS = env.number("MARSAD_THREADS", 8, low=1, high=256)
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.ui.context.portal",
            ],
        },
    },
]

# --- accounts -----------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
ACCOUNT_ADAPTER = "portal.core.accounts.adapter.AccountAdapter"
ACCOUNT_RATE_LIMITS = False  # ours are shared with the APIs (accounts.services)
ACCOUNT_LOGIN_METHODS = {"email", "username"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = "username"
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_SESSION_REMEMBER = None
ACCOUNT_LOGOUT_REDIRECT_URL = "login"
# E-mail addresses are unique among people who are not deleted: a conditional constraint, which the check cannot see.
# An array is read and written without Django's application for PostgreSQL, which asks each new connection for hstore.
SILENCED_SYSTEM_CHECKS = ["auth.W004", "postgres.E005"]
AUTHENTICATION_BACKENDS = ["portal.core.accounts.backends.EmailBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 6}},
]
MFA_ADAPTER = "portal.core.accounts.adapter.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes", "webauthn"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Marsad"
PLATFORM_MFA = env.flag("MARSAD_PLATFORM_MFA", PRODUCTION)  # platform administrators do nothing before they have it
MFA_TOTP_TOLERANCE = 1
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "/"
LOGOUT_REDIRECT_URL = "login"
JWT_ISSUER = env.text("MARSAD_JWT_ISSUER", "FieldScope")
JWT_AUDIENCE = env.text("MARSAD_JWT_AUDIENCE", "FieldScope")
ACCESS_TOKEN_SECONDS = env.number("MARSAD_ACCESS_TOKEN_SECONDS", 3600, low=300, high=86400)

# --- mail -----------------------------------------------------------------------
MARSAD_MAIL = env.choice(
    "MARSAD_MAIL", "smtp" if env.text("MARSAD_SMTP_URL") else "console", ("console", "file", "smtp")
)
DEFAULT_FROM_EMAIL = env.text("MARSAD_MAIL_FROM", "Marsad <marsad@localhost>")
MAILERS = {
    "default": {
        "console": {"BACKEND": "django.core.mail.backends.console.EmailBackend"},
        "file": {
            "BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "OPTIONS": {"file_path": str(DATA_DIR / "mail")},
        },
        "smtp": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": env.smtp("MARSAD_SMTP_URL") if MARSAD_MAIL == "smtp" else {},
        },
    }[MARSAD_MAIL]
}

# --- pushes and SMS ----------------------------------------------------------------
SMS_GATEWAY = (env.text("MARSAD_SMS_URL"), env.text("MARSAD_SMS_TOKEN"))
PUSH_GATEWAY = (env.text("MARSAD_PUSH_URL"), env.text("MARSAD_PUSH_TOKEN"))  # of apps; browsers need none
PUSH_HOSTS = env.names("MARSAD_PUSH_HOSTS")  # further push services of browsers

PRIVACY_URL = env.address("MARSAD_PRIVACY_URL")  # the operator's notice, linked where people come in

# --- audit ---------------------------------------------------------------------
AUDITLOG_LOGENTRY_MODEL = "audit.AuditEntry"
CHECKPOINT_MAIL = env.names("MARSAD_CHECKPOINT_MAIL")
CHECKPOINT_S3 = env.bucket("MARSAD_CHECKPOINT_S3")

# --- language, time -------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("ar", _("Arabic")), ("fr", _("French")), ("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["portal.formats"]
LANGUAGE_COOKIE_NAME = "marsad_language"
TIME_ZONE = "UTC"
USE_TZ = True
USE_THOUSAND_SEPARATOR = False  # a typed "7.200" must never become 7200

# --- files ------------------------------------------------------------------------
FILES_S3 = env.bucket("MARSAD_FILES_S3")
FILE_STAGING = DATA_DIR / "files" / "staging"
FILE_LIMITS = env.megabytes("MARSAD_FILE_LIMITS", "image=50,video=100,document=10")
FILE_QUOTA = env.number("MARSAD_FILE_QUOTA", 0, low=0, high=1_000_000) * 1024 * 1024  # per organisation; 0: none
CLAMD = env.text("MARSAD_CLAMD")

# --- webhooks ---------------------------------------------------------------------
WEBHOOK_PRIVATE = env.flag("MARSAD_WEBHOOK_PRIVATE", False)  # addresses inside of the own network, and plain http

# --- pages ----------------------------------------------------------------------
CDN = env.address("MARSAD_CDN").rstrip("/")
STATIC_URL = f"{CDN}/static/"
STATIC_ROOT = env.folder("MARSAD_STATIC", DATA_DIR / "static")
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES: dict[str, dict[str, Any]] = {
    "files": env.file_store(FILES_S3, DATA_DIR / "files" / "store"),
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if MARSAD_ENV in ("demo", "production")
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = MARSAD_ENV in ("dev", "test")
# the first start compresses every file: none twice, and no source maps
WHITENOISE_KEEP_ONLY_HASHED_FILES = True
WHITENOISE_SKIP_COMPRESS_EXTENSIONS = ("gif", "gz", "jpeg", "jpg", "map", "png", "webp", "woff", "woff2")
WHITENOISE_AUTOREFRESH = MARSAD_ENV == "dev"
MEDIA_ROOT = DATA_DIR / "files"
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"
CRISPY_FAIL_SILENTLY = False
DJANGO_TABLES2_TEMPLATE = "ui/table.html"
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024  # api/kit and forms set their own, smaller limits

# Maps draw their own ground; a tile server is asked only where one is named, and learns where people look.
TILES, TILES_CREDIT = env.text("MARSAD_TILES"), env.text("MARSAD_TILES_CREDIT")
TILES_ORIGIN = env.tiles("MARSAD_TILES")

# --- security --------------------------------------------------------------------
_OURS = [CSP.SELF, *([CDN] if CDN else [])]
SECURE_CSP = {
    "default-src": [CSP.SELF],
    "script-src": _OURS,
    "style-src": _OURS,
    "img-src": [*_OURS, "data:", *([TILES_ORIGIN] if TILES else [])],
    "font-src": _OURS,
    "connect-src": [CSP.SELF],
    "frame-ancestors": [CSP.NONE],
    "form-action": [CSP.SELF],
    "base-uri": [CSP.SELF],
    "object-src": [CSP.NONE],
}
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
CSRF_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_HTTPONLY = True  # pages carry the token themselves
CSRF_FAILURE_VIEW = "portal.ui.views.csrf_failure"
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
if PRODUCTION:
    SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = True
    # a browser takes these names from https alone, for the whole host and for no other one
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    SECURE_CSP["upgrade-insecure-requests"] = True
    SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]  # asked on the machine itself
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31_536_000
    SECURE_HSTS_INCLUDE_SUBDOMAINS = True

# --- cache ------------------------------------------------------------------------------
CACHES = {
    "default": {
        "BACKEND": "portal.core.common.cache.SteadyRedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 1},
    }
    if REDIS_URL
    else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
}

# --- figures, traces, log -------------------------------------------------------------
METRICS_SECONDS = env.number("MARSAD_METRICS_SECONDS", 5, low=0, high=60)  # 0: nothing is kept for the page
METRICS_TOKEN = env.text("MARSAD_METRICS_TOKEN")
METRICS_DIR = DATA_DIR / "state" / "metrics"  # shared by the processes of this machine
METRICS_DIR.mkdir(parents=True, exist_ok=True)
os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(METRICS_DIR)  # its library reads this when it is imported
OTLP_ENDPOINT = env.address("MARSAD_OTLP_ENDPOINT")
LOG_FORMAT = env.choice("MARSAD_LOG_FORMAT", "line", ("line", "json"))
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "portal.core.monitoring.logs.LineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        },
        "json": {"()": "portal.core.monitoring.logs.JsonFormatter"},
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT}},
    "loggers": {f"procrastinate.{name}": {"level": "WARNING"} for name in ("blueprints", "periodic")}
    | {"urllib3": {"level": "INFO"}},  # at DEBUG it tells addresses, and that of a push to a browser is a secret
    "root": {
        "handlers": ["console"],
        "level": env.choice("MARSAD_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
    },
}
