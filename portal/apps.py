from django.apps import AppConfig
from django.conf import settings


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self):
        from portal import checks  # noqa: F401 - they register themselves

        if settings.REDIS_URL:
            from portal import celery  # noqa: F401 - shared tasks are sent by the app that is made here
