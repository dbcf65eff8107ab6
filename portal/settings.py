"""Settings of the portal: one file, top to bottom; everything a site may change comes from STOA_* variables."""

import os
import re
import secrets
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

BASE_DIR = Path(__file__).resolve().parent.parent

# ------------------------------------------------------------------ where things are kept

STOA_HOME = Path(os.environ.get("STOA_HOME") or Path.home() / ".stoa").expanduser().absolute()
STOA_HOME.mkdir(mode=0o700, parents=True, exist_ok=True)

# What a project may read from disk lies in <archive root>/<project slug>/.
STOA_ARCHIVE_ROOT = Path(os.environ.get("STOA_ARCHIVE_ROOT") or STOA_HOME / "archive").expanduser().absolute()
STOA_TEST_DATA = os.environ.get("STOA_TEST_DATA", "")
# The sign-in page of a demonstration tells its visitors the password.
STOA_DEMO = os.environ.get("STOA_DEMO", "") == "1"

MEDIA_ROOT = Path(os.environ.get("STOA_FILES") or STOA_HOME / "files").expanduser().absolute()
MEDIA_URL = ""


def secret_key() -> str:
    """Return the key of this installation, made at the first start and kept beside the data."""
    kept = STOA_HOME / "secret_key"
    if not kept.exists():
        descriptor = os.open(kept, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_urlsafe(50))
    return kept.read_text()


SECRET_KEY = os.environ.get("STOA_SECRET_KEY") or secret_key()
DEBUG = os.environ.get("STOA_DEBUG", "") == "1"
ALLOWED_HOSTS = [
    host for host in os.environ.get("STOA_HOSTS", "localhost,127.0.0.1,[::1]").split(",") if host
]
CSRF_TRUSTED_ORIGINS = [origin for origin in os.environ.get("STOA_ORIGINS", "").split(",") if origin]

# A client that reads nothing of an answer for so long is given up.
STALLED_SECONDS = float(os.environ.get("STOA_STALLED_SECONDS") or 60)

# ------------------------------------------------------------------ database

DATABASE_URL = os.environ.get("STOA_DATABASE_URL", "")


def database_from(url: str) -> dict:
    """Turn ``postgresql://user:password@host:port/name`` (or nothing: SQLite in STOA_HOME) into Django's form."""
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": STOA_HOME / "stoa.sqlite3",
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 30,
                "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; "
                # 40 MB: a page that ten batches write goes to its place once.
                "PRAGMA wal_autocheckpoint=10000; "
                # 64 MB: a batch comes back to the pages of the one before.
                "PRAGMA cache_size=-65536;",
            },
            "TEST": {"NAME": STOA_HOME / "test.sqlite3"},
        }
    parts = urlsplit(url)
    if parts.scheme not in ("postgres", "postgresql"):
        raise ValueError(
            f"STOA_DATABASE_URL is {url!r}; Stoa speaks postgresql://user@host:port/name, "
            "or SQLite when the variable is not set"
        )
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": parts.hostname or "",
        "PORT": str(parts.port or ""),
        # What is asked for most is in memory: looking a thousand rows up by an index is never dearer than reading all.
        "OPTIONS": {"options": "-c jit=off -c random_page_cost=1.1"},
    }


DATABASES = {"default": database_from(DATABASE_URL), "streaming": database_from(DATABASE_URL)}
DATABASES["default"]["CONN_MAX_AGE"] = None
# A database that was restarted has forgotten the connections we keep: each request asks first whether its own is alive.
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# Long reads (downloads) go through this alias: on SQLite it is deferred and read only, and never locks writers out.
DATABASES["streaming"]["TEST"] = {"MIRROR": "default"}
if not DATABASE_URL:
    DATABASES["streaming"]["OPTIONS"] = {"timeout": 30, "init_command": "PRAGMA query_only=1;"}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# ------------------------------------------------------------------ broker (optional: the database is the truth)

REDIS_URL = os.environ.get("STOA_REDIS_URL", "")

# ------------------------------------------------------------------ apps and middleware

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.forms",
    "guardian",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "portal.accounts",
    "portal",
    "vo",
    "provenance",
    "worktables",
    "pipelines",
    "archive",
    "projects",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "portal.policy.ContentSecurityPolicy",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.errors.ErrorAnswers",
    "portal.addresses.WithoutNul",
]
ROOT_URLCONF = "portal.urls"
ASGI_APPLICATION = "portal.asgi.application"
WSGI_APPLICATION = "portal.wsgi.application"
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
            ]
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"  # widgets of ours are templates like any other
STATIC_URL = "static/"
# Filled by collectstatic, where another server sends the files; WhiteNoise warns when it is not there.
STATIC_ROOT = STOA_HOME / "static"
STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = True

# ------------------------------------------------------------------ people

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = [
    "portal.accounts.guarding.PatienceBackend",
    "django.contrib.auth.backends.ModelBackend",
    "guardian.backends.ObjectPermissionBackend",
]
ANONYMOUS_USER_NAME = None
GUARDIAN_MONKEY_PATCH_USER = False
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
MIGRATION_MODULES = {"knox": None}  # its own table of tokens is swapped for ours, and not made
KNOX_TOKEN_MODEL = "accounts.Token"
REST_KNOX = {"TOKEN_MODEL": KNOX_TOKEN_MODEL, "TOKEN_TTL": None}
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = os.environ.get("STOA_HTTPS", "") == "1"
CSRF_FAILURE_VIEW = "portal.errors.csrf_refused"
X_FRAME_OPTIONS = "DENY"

# ------------------------------------------------------------------ REST

REST_FRAMEWORK = {
    # The first one says how a request without any is answered: 401, and no password window in the browser.
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "knox.auth.TokenAuthentication",
        "rest_framework.authentication.SessionAuthentication",
        "rest_framework.authentication.BasicAuthentication",
    ],
    "DEFAULT_PARSER_CLASSES": ["projects.parsing.JSONParser", "rest_framework.parsers.FormParser"],
    # How many servers of ours stand before this one: what others say about their address is not believed.
    "NUM_PROXIES": int(os.environ.get("STOA_PROXIES") or 0),
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PAGINATION_CLASS": "rest_framework.pagination.PageNumberPagination",
    "PAGE_SIZE": 100,
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "portal.errors.answer_as_json",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Stoa",
    "DESCRIPTION": "Worktables, their pipelines and their provenance.",
    "VERSION": "0.1.0",
    "ENUM_NAME_OVERRIDES": {
        "ColumnKindEnum": "worktables.models.Kind",
        "LinkKindEnum": "worktables.models.Link.Kind",
        "AnnotationKindEnum": "worktables.models.Annotation.Kind",
        "MemberKindEnum": ["user", "group"],
        "UpdateEnum": "worktables.models.Worktable.Update",
    },
}

# ------------------------------------------------------------------ language, time

LANGUAGE_CODE = "en-gb"
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# ------------------------------------------------------------------ the engine

WORKTABLES = {
    "BATCH": 1000,  # units claimed at once, at most
    "BATCH_SECONDS": 1.0,  # a batch aims at this much work
    "LEASE_SECONDS": 15.0,  # a worker silent for longer is given up
    "HEARTBEAT_SECONDS": 3.0,
    "TAKES": os.environ.get("STOA_TAKES", ""),  # classes of work, separated by commas; none named: all
    # What a project remembers of results, beyond which those go that nobody asked for longest.
    "MEMO_BYTES": int(float(os.environ.get("STOA_MEMO_MB") or 1024) * 2**20),
    "ATTEMPTS": 12,  # a unit that lost its worker this often is failed, not tried for ever
    # What a step may use that does not say it itself; whoever needs more fails with that sentence.
    "STEP_SECONDS": 6 * 3600.0,
    "STEP_MEMORY": int(0.8 * os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")),
    "VALUE_BYTES": 1_000_000,  # of a text or an array in a cell
    "PRODUCT_BYTES": 4_000_000_000,
    "FOLDER_BYTES": 20_000_000_000,  # written by a program, in how many files
    "FOLDER_FILES": 100_000,
}

# ------------------------------------------------------------------ the Virtual Observatory


def authority(said: str, hosts: list[str]) -> str:
    """Return with which the identifiers of what is published begin, after ivo://.

    Unless it is said, it is the first name of the portal, with an end that no registry takes.
    """
    if said and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{2,}", said):
        raise ValueError(
            f"STOA_AUTHORITY is {said!r}; an authority is three or more letters, digits, points, hyphens "
            "and underscores, such as stoa.example.org, and nothing before or after"
        )
    names = (host.lower() for host in hosts if re.fullmatch(r"(?i)[a-z][a-z0-9-]*(\.[a-z0-9-]+)+", host))
    return said or f"{next(names, 'stoa')}.invalid"


STOA_AUTHORITY = authority(os.environ.get("STOA_AUTHORITY", ""), ALLOWED_HOSTS)
VO = {
    # Who answers for what is published, as registries have it.
    "ORGANISATION": os.environ.get("STOA_ORGANISATION") or f"Stoa at {STOA_AUTHORITY}",
    "ORGANISATION_PAGE": os.environ.get("STOA_ORGANISATION_PAGE", ""),
    "CONTACT": os.environ.get("STOA_CONTACT", ""),
    "REGISTRY_RECORDS": 100,  # in one answer
    "MAXREC": 1_000_000,  # rows of an answer, unless somebody asks for more
    "MAXREC_HARD": 100_000_000,
    "MAXREC_HARD_ANONYMOUS": 10_000_000,  # here and below: for whoever does not sign in
    # Answers that are being read, in one process of the portal: of all, of all who do not sign in, of each.
    "OPEN_ANSWERS": 32,
    "OPEN_ANSWERS_ANONYMOUS": 24,
    "OPEN_ANSWERS_EACH": 8,
    "SYNC_SECONDS": 60.0,
    "PREVIEW_SECONDS": 20.0,  # for the first rows, on the page of queries
    "ASYNC_SECONDS": 3600.0,
    "ASYNC_SECONDS_HARD": 86_400.0,
    "ASYNC_SECONDS_HARD_ANONYMOUS": 3600.0,
    "RESULT_BYTES": 20_000_000_000,  # of a job
    "RESULT_BYTES_ANONYMOUS": 2_000_000_000,
    "RETENTION_SECONDS": 7 * 86_400,  # a job and its result are kept so long
    "RETENTION_SECONDS_HARD": 30 * 86_400,
    "INDEX_SECONDS": 2.0,  # for which whoever publishes waits, at most; workers do what is left
    "UPLOAD_BYTES": 100_000_000,
    # From these hosts tables are fetched though they are not of the open network.
    "UPLOAD_HOSTS": [host for host in os.environ.get("STOA_UPLOAD_HOSTS", "").split(",") if host],
    "UPLOAD_ROWS": 500_000,
    "UPLOAD_COLUMNS": 1_000,
}

TESTING = "pytest" in sys.modules
if TESTING:  # a password of a test need not withstand anybody
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
