from django.apps import AppConfig


class WorktablesConfig(AppConfig):
    name = "worktables"
