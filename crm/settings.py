"""How is Thaw configured? Everything comes from the environment, with defaults that run on one machine."""

import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

import environ
import structlog
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from crm.thaw_dir import broker_socket, erasure_keys, open_thaw_dir, secret_key

env = environ.Env()
BASE_DIR = Path(__file__).resolve().parent.parent


def _number(name: str, default: int, *, least: int = 1, most: int = 1000) -> int:
    """The whole number that the environment gives for `name`, within its bounds."""
    text = env(name, default="") or str(default)
    if not (text.isascii() and text.isdigit() and least <= int(text) <= most):
        raise environ.ImproperlyConfigured(
            f"{name} is {text!r}; expected a whole number from {least} to {most}"
        )
    return int(text)


THAW_DIR = open_thaw_dir(Path(env("THAW_DIR", default="") or BASE_DIR / ".thaw"))

# --- Where it answers ---------------------------------------------------------------------------------------
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env("SECRET_KEY", default="") or secret_key(THAW_DIR)
# Under these keys erased persons are recognised; never in the database. The first makes new digests, all are read.
ERASURE_KEYS = tuple(env("ERASURE_KEY", default="").replace(",", " ").split()) or erasure_keys(THAW_DIR)
if not ERASURE_KEYS or min(map(len, ERASURE_KEYS)) < 20:
    raise environ.ImproperlyConfigured(
        "ERASURE_KEY, or the file erasure_key in THAW_DIR, holds no key of at least 20 characters"
    )
# Which persons were erased, as digests: what a restored backup is held against.
ERASURE_LEDGER = THAW_DIR / "erasures.jsonl"
HOST = env("HOST", default="") or "127.0.0.1"
PORT = _number("PORT", 8000, most=65535)
LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]"]
PUBLIC_URL = env("PUBLIC_URL", default="").rstrip("/")
_public = urlsplit(PUBLIC_URL)
if PUBLIC_URL and (_public.scheme not in ("http", "https") or not _public.hostname):
    raise environ.ImproperlyConfigured(
        f"PUBLIC_URL is {PUBLIC_URL!r}; expected an address like https://thaw.example.com"
    )
IS_HTTPS = _public.scheme == "https"
# Loopback names stay allowed so that health checks on the machine itself always get through.
ALLOWED_HOSTS = [*LOOPBACK_HOSTS, *([_public.hostname] if _public.hostname else [])]
if HOST not in ("0.0.0.0", "::", *ALLOWED_HOSTS):
    ALLOWED_HOSTS.append(f"[{HOST}]" if ":" in HOST else HOST)
CSRF_TRUSTED_ORIGINS = [f"{_public.scheme}://{_public.netloc}"] if PUBLIC_URL else []
BASE_URL = PUBLIC_URL or f"http://{'127.0.0.1' if HOST in ('0.0.0.0', '::') else HOST}:{PORT}"

# How large `serve` makes web and worker: enough for one machine and one SQLite file.
WEB_WORKERS = _number("WEB_WORKERS", 1)
WEB_THREADS = _number("WEB_THREADS", 4)
WORKER_CONCURRENCY = _number("WORKER_CONCURRENCY", 2)
# How much of the do-not-call lists each process keeps at hand.
REGISTRY_CACHE_MB = _number("REGISTRY_CACHE_MB", 40, most=4096)

# --- What it is made of -------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "crm",
    "crm.accounts",
    "leads",
    "touchpoints",
    "crm.intake",
    "crm.pipeline",
    "crm.compliance",
    "crm.integrations",
    "crm.demo",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "knox",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_htmx",
    "template_partials",
    "heroicons",
    "django_structlog",
]
MIDDLEWARE = [
    "crm.metrics.measure",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "csp.middleware.CSPMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "crm.api.idempotency.do_once",
]
ROOT_URLCONF = "crm.urls"
WSGI_APPLICATION = "crm.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
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
            ],
        },
    },
]

# --- Database -----------------------------------------------------------------------------------------------
DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{THAW_DIR / 'thaw.sqlite3'}")}
_database = DATABASES["default"]
# The address itself is not repeated: it may hold a password.
if _database.get("ENGINE") not in ("django.db.backends.sqlite3", "django.db.backends.postgresql"):
    raise environ.ImproperlyConfigured(
        "DATABASE_URL is no address of a database; expected sqlite:///PATH or postgres://USER:PASSWORD@HOST/NAME"
    )
_database["HOST"] = unquote(_database.get("HOST", ""))  # a socket's directory is written %2Fvar%2Frun%2F...
IS_SQLITE = _database["ENGINE"] == "django.db.backends.sqlite3"
# Nothing may need the broker to answer a request: what caches are for (login throttling) is in the database.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "cache"}}
if IS_SQLITE:
    _database["OPTIONS"] = {
        # A transaction that reads first and writes later cannot be made to wait, only to fail: take the
        # write lock at its start.
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
    }
else:
    _database.setdefault("CONN_MAX_AGE", 60)
    _database["CONN_HEALTH_CHECKS"] = True
    _database.setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)
    # Statements written by hand are planned once for each connection; the ORM's are not, whatever stands here.
    _database["OPTIONS"].setdefault(
        "prepare_threshold", 0 if env.bool("THAW_PREPARED_STATEMENTS", default=True) else None
    )

# --- Broker and engine --------------------------------------------------------------------------------------
REDIS_URL = env("REDIS_URL", default="")
BROKER_SOCKET = None if REDIS_URL else broker_socket(THAW_DIR)
BROKER_URL = REDIS_URL or f"unix://{BROKER_SOCKET}"
TASK_TIME_LIMIT = 600
CELERY_BROKER_URL = BROKER_URL.replace("unix://", "redis+socket://", 1)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # A message taken by a worker that died is handed out again after this; longer than any task may run.
    "visibility_timeout": TASK_TIME_LIMIT + 120,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
    "health_check_interval": 15,
    "socket_connect_timeout": 2,
    "socket_timeout": 5,
    "socket_keepalive": True,
    # One quick second try, then the caller goes on: the row is stored and a sweep will find it.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.2,
}
CELERY_BROKER_CONNECTION_TIMEOUT = 2
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_TASK_PUBLISH_RETRY = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.2,
}
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_TIME_LIMIT = TASK_TIME_LIMIT
CELERY_TASK_SOFT_TIME_LIMIT = TASK_TIME_LIMIT - 30
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 5
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"
DJANGO_STRUCTLOG_CELERY_ENABLED = True

# --- Who may come in ----------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "crm.accounts.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "email", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = True
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if IS_HTTPS else "http"
# Behind a proxy that terminates https the address of the caller is the last one the proxy added.
ALLAUTH_TRUSTED_PROXY_COUNT = _number("TRUSTED_PROXY_COUNT", 1 if IS_HTTPS else 0, least=0)
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Thaw"

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = LANGUAGE_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = IS_HTTPS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if IS_HTTPS else None
SECURE_HSTS_SECONDS = 30 * 24 * 3600 if IS_HTTPS else 0
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:"],
        "frame-src": [SELF, "tel:", "sip:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}

# --- API ----------------------------------------------------------------------------------------------------
KNOX_TOKEN_MODEL = "accounts.ApiKey"
# Knox's own migrations would make the table of the model that ours replaces, which nothing would ever empty.
MIGRATION_MODULES = {"knox": None}
REST_KNOX = {"AUTH_HEADER_PREFIX": "Bearer", "TOKEN_TTL": None, "AUTO_REFRESH": False}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "crm.api.keys.KeyAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [
        "rest_framework.permissions.IsAuthenticated",
        "crm.api.keys.WithinScopes",
    ],
    "DEFAULT_THROTTLE_CLASSES": ["crm.api.keys.KeyThrottle"],
    "DEFAULT_SCHEMA_CLASS": "crm.api.schema.Operations",
    "DEFAULT_FILTER_BACKENDS": ["leads.api.strict.Filters"],
    "DEFAULT_PAGINATION_CLASS": "crm.api.paging.CursorPages",
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["crm.api.parsing.KeepableJSONParser"],
    "EXCEPTION_HANDLER": "crm.api.problems.as_problem",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Thaw",
    "DESCRIPTION": "Touchpoints in, warm leads out, and every call with its reasons.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["crm.api.schema.add_refusals"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

# --- Mail, language, files ----------------------------------------------------------------------------------
vars().update(env.email_url("EMAIL_URL", default="consolemail://"))
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env("EMAIL_FROM", default=f"thaw@{_public.hostname or 'localhost'}")
EMAIL_TIMEOUT = 10

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("da", _("Danish")), ("pl", _("Polish")), ("ru", _("Russian"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
FORMAT_MODULE_PATH = ["crm.formats"]

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {"location": THAW_DIR / "files"},
    },
    "staticfiles": {"BACKEND": "crm.static_versions.VersionedStaticFiles"},
}
# Files are served from where they lie: nothing to collect before a start. Their links carry a version.
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_MAX_AGE = 0 if DEBUG else 3600
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024

# --- Logs: to stderr, so that stdout carries only what a command was asked for ------------------------------
LOG_LEVEL = env("LOG_LEVEL", default="INFO").upper()
LOG_FORMAT = env("LOG_FORMAT", default="console" if sys.stderr.isatty() else "json")
_shared_processors = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso"),
    structlog.processors.StackInfoRenderer(),
]
_renderers = {
    # Plain, also where rich is installed: it prints every local, which reads querysets and shows personal data.
    "console": [
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    ],
    "json": [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()],
}
if LOG_FORMAT not in _renderers:
    raise environ.ImproperlyConfigured(
        f"LOG_FORMAT is {LOG_FORMAT!r}; expected one of {', '.join(_renderers)}"
    )
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "structured": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers[LOG_FORMAT],
            ],
            "foreign_pre_chain": _shared_processors,
        },
    },
    "filters": {"refusals": {"()": "crm.log_filters.RefusalsWithoutTraceback"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "structured"}},
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    # Django's own set-up would print to the console a second time and mail to nobody.
    "loggers": {
        "django": {"level": LOG_LEVEL, "handlers": [], "propagate": True},
        "django.request": {"filters": ["refusals"]},
        # A line for each request and each sweep would bury the lines that matter.
        **{
            name: {"level": LOG_LEVEL if LOG_LEVEL == "DEBUG" else "WARNING"}
            for name in ("django_structlog", "celery", "kombu")
        },
    },
}
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_shared_processors,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
