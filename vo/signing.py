"""Who asks at an address of the Virtual Observatory, where programs come by token or password, and browsers by session.

A request that changes something is signed by its session only if it proves that it came from our page; else the
session is as if it were not there. So another site's form, sent by somebody's browser, acts as nobody.
"""

import base64
import binascii

from django.contrib.auth import authenticate
from django.contrib.auth.models import AnonymousUser
from django.middleware.csrf import CsrfViewMiddleware
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from vo.errors import VoError

CHALLENGE = 'Basic realm="Stoa: your user name, and your password or a token", charset="UTF-8"'
SAFE = ("GET", "HEAD", "OPTIONS")
TOKEN_LENGTH = 500


class NotSignedIn(VoError):
    """Somebody says who they are and is wrong, or must say so and does not."""

    code = "not-signed-in"
    status = 401

    def __init__(self, why):
        super().__init__(why)


def who_asks(request):
    """Return who sent a request: a user, or AnonymousUser.

    Parameters
    ----------
    request : HttpRequest
        With its session's user, as Django's middleware left it. ``?auth=required`` insists on somebody.

    Raises
    ------
    NotSignedIn
        If the credentials are wrong, or there are none though somebody insists.
    """
    scheme, _, credentials = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme:
        return by_header(request, scheme.lower(), credentials.strip())
    if request.method in SAFE or is_from_our_page(request):
        user = request.user
        if user.is_authenticated and user.is_active:
            return user
    if insists(request):
        raise NotSignedIn(
            "this address was asked with auth=required; sign in with your user name and a token"
        )
    return AnonymousUser()


def insists(request):
    """Say whether whoever asks wants to be asked who they are."""
    return any(
        name.lower() == "auth" and value.lower() == "required"
        for name, values in request.GET.lists()
        for value in values
    )


def by_header(request, scheme, credentials):
    """Return whose credentials these are."""
    if scheme in ("bearer", "token"):
        user = owner_of_token(credentials)
        if user is None:
            raise NotSignedIn(
                "the token opens nothing; it may be mistyped, revoked or past its time: make a new one"
            )
        return user
    if scheme == "basic":
        return by_password(request, credentials)
    raise NotSignedIn(f"“{scheme[:20]}” is no way to sign in here; use Bearer, Token or Basic")


def by_password(request, credentials):
    """Return whose name and password these are; a token is as good as the password, whatever name stands before it."""
    try:
        name, colon, password = base64.b64decode(credentials, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        colon = ""
    if not colon:
        raise NotSignedIn("the Basic credentials cannot be read; they are base64 of name:password")
    user = owner_of_token(password)
    if user is None and name and "\0" not in name + password:
        user = authenticate(request, username=name, password=password)
    if user is None:
        raise NotSignedIn("the user name and the password, or token, do not belong together")
    return user


def owner_of_token(secret):
    """Return the user a token belongs to; None if it opens nothing."""
    if not secret or not secret.isascii() or "\0" in secret or len(secret) > TOKEN_LENGTH:
        return None
    try:
        user, _ = TokenAuthentication().authenticate_credentials(secret.encode())
    except AuthenticationFailed:
        return None
    return user


def is_from_our_page(request):
    """Say whether a request that changes something proves that it came from a page of ours."""
    return Csrf(lambda request: None).process_view(request, None, (), {}) is None


class Csrf(CsrfViewMiddleware):
    """Django's check, telling why instead of answering."""

    def _reject(self, request, reason):
        return reason
