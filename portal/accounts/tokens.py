"""Making and revoking the tokens with which programs sign in."""

from django.utils import timezone

from portal.accounts.models import Token


def create_token(user, name, lifetime=None):
    """Make a token and return it with its secret, which is kept nowhere and cannot be shown again.

    Parameters
    ----------
    user : User
    name : str
        By which its owner will know it.
    lifetime : timedelta, optional
        Without one it lives until it is revoked.

    Returns
    -------
    Token, str
    """
    return Token.objects.create(user, expiry=lifetime, name=name)


def revoke_token(user, short_digest):
    """Make a token of this user useless at once; return it, or None if there was none."""
    token = user.auth_token_set.filter(digest__startswith=short_digest).first()
    if token:
        token.delete()
    return token


def living_tokens(user):
    """Return the tokens of this user that open doors today, newest first."""
    return user.auth_token_set.exclude(expiry__lt=timezone.now())
