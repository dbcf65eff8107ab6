"""The portal for an asynchronous server (`stoa up` starts uvicorn on it); live pages need this one."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
application = get_asgi_application()
