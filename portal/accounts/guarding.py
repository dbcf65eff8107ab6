"""Slowing down who tries passwords: at every door, because every door asks the backends."""

from hashlib import sha256

from django.contrib.auth.signals import user_login_failed
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.dispatch import receiver
from rest_framework.throttling import BaseThrottle

WRONG_AT_MOST = 20
SECONDS = 300


class PatienceBackend:
    """Lets nobody in; stands before the others, and ends the asking after too many wrong passwords."""

    def authenticate(self, request, username=None, **credentials):
        """Refuse an account to an address that was wrong about it too often within five minutes."""
        if request is not None and username and cache.get(key_of(request, username), 0) >= WRONG_AT_MOST:
            raise PermissionDenied
        return


@receiver(user_login_failed, dispatch_uid="accounts.count_wrong_password")
def count_wrong_password(sender, credentials, request=None, **kwargs):
    """Remember that somebody did not know a password."""
    username = credentials.get("username")
    if request is None or not username:
        return
    key = key_of(request, username)
    cache.add(key, 0, SECONDS)
    try:
        cache.incr(key)
    except ValueError:  # forgotten in between
        cache.set(key, 1, SECONDS)


def key_of(request, username):
    """Return under what the wrong passwords of an address for an account are counted."""
    told = f"{BaseThrottle().get_ident(request)} {str(username).casefold()}"
    return f"wrong-passwords-{sha256(told.encode(errors='replace')).hexdigest()}"
