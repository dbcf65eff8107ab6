"""The portal for an asynchronous server (`stoa up` starts uvicorn on it); live pages need this one."""

import os
import warnings

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.core.signals import request_finished

from portal.stalling import GivesUp
from worktables.streaming import leave_the_database

# WhiteNoise answers with small files of our own; that they are read at once is what we want.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_asgi_application()
# Each request has a thread of its own here, which ends with it: a connection that it keeps is used by nobody again.
request_finished.connect(leave_the_database, dispatch_uid="portal.leave_the_database")
application = GivesUp(application, settings.STALLED_SECONDS)
