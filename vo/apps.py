from django.apps import AppConfig


class VoConfig(AppConfig):
    name = "vo"
