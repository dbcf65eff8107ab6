"""Who signs in."""

from django.contrib.auth.models import AbstractUser


class User(AbstractUser):
    """Somebody with an account; their own model from the first migration, so that it can grow."""

    def __str__(self):
        return self.username
