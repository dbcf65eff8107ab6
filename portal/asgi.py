"""The portal for an asynchronous server (`stoa up` starts uvicorn on it); live pages need this one."""

import os
import warnings

from django.conf import settings
from django.core.asgi import get_asgi_application

from portal.stalling import GivesUp

# WhiteNoise answers with small files of our own; that they are read at once is what we want.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
# Here each request has a thread of its own, which ends with it: a connection that is kept is used by nobody again.
for facts in settings.DATABASES.values():
    facts["CONN_MAX_AGE"] = 0
application = GivesUp(get_asgi_application(), settings.STALLED_SECONDS)
