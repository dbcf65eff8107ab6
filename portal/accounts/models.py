"""Who signs in, and the tokens with which their programs do."""

from django.contrib.auth.models import AbstractUser
from django.db import models, transaction
from knox.models import AbstractAuthToken


class User(AbstractUser):
    """Somebody with an account; their own model from the first migration, so that it can grow."""

    def __str__(self):
        return self.username

    def save(self, *args, **kwargs):
        """Revoke the tokens of whoever gets another password, by whichever door: somebody else may hold one."""
        renewed = self._password is not None and self.pk is not None
        with transaction.atomic():
            super().save(*args, **kwargs)
            if renewed:
                self.auth_token_set.all().delete()


class Token(AbstractAuthToken):
    """What a program shows instead of a password; only its digest is kept.

    Knox's token with a name, so that its owner knows which one to revoke.
    """

    name = models.CharField(max_length=100, blank=True)

    class Meta:
        ordering = ["-created"]

    def __str__(self):
        return self.name or self.short_digest

    @property
    def short_digest(self):
        """Enough of the digest to tell tokens apart, in addresses and on the page."""
        return self.digest[:16]
