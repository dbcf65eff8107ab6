"""The portal for an asynchronous server (`stoa up` starts uvicorn on it); live pages need this one."""

import os
import warnings

from django.core.asgi import get_asgi_application

# WhiteNoise answers with small files of our own; that they are read at once is what we want.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_asgi_application()
