"""Handing a download to a program that cannot sign in: an address that is signed, for one person, and soon over.

TOPCAT has no cookie of ours. What a page sends to it is such an address. Whoever has it reads what the person who
sent it may read at that moment, of this download and of nothing else.
"""

import copy
from urllib.parse import unquote

from django.contrib.auth import get_user_model
from django.core.signing import BadSignature, SignatureExpired, TimestampSigner
from django.http import Http404, QueryDict
from django.urls import Resolver404, resolve
from django.utils.crypto import constant_time_compare

from vo.errors import VoError

SECONDS = 15 * 60
SIGNER = TimestampSigner(salt="vo.handing")
# What may be handed over, by the name of its address: all of it sends a file and changes nothing.
DOWNLOADS = (
    "api-download",
    "cone-search",
    "published-file",
    "row-file",
    "soda-sync",
    "tap-job-result",
    "tap-sync",
)


class NoDownload(VoError):
    """An address is not one that sends a file of ours."""

    code = "no-download"

    def __init__(self, address):
        super().__init__(
            f"“{address[:100]}” is no download of this portal; only tables and files can be handed to a program"
        )


class HandedTooLong(VoError):
    """An address was handed to a program longer ago than it lives."""

    code = "handed-too-long"
    status = 410

    def __init__(self):
        super().__init__(
            f"this address was good for {SECONDS // 60} minutes; send it again from its page, or sign in"
        )


def hand_over(address, user):
    """Return a token that opens one download as this user.

    Parameters
    ----------
    address : str
        Path and query of the download, as our pages have them.
    user : User

    Raises
    ------
    NoDownload
    """
    path, query = parts_of(address)
    if "\0" in path or "%00" in query or not is_download(path):
        raise NoDownload(address)
    return SIGNER.sign_object([address, user.pk, proof_of(user)], compress=True)


def opened_by(token):
    """Return the address that a token opens, and as whom.

    Raises
    ------
    Http404
        If the token is none of ours, or the user has gone or has another password since.
    HandedTooLong
    """
    try:
        address, pk, proof = SIGNER.unsign_object(token, max_age=SECONDS)
    except SignatureExpired:
        raise HandedTooLong from None
    except (BadSignature, ValueError):
        raise Http404 from None
    user = get_user_model().objects.filter(pk=pk, is_active=True).first()
    if user is None or not constant_time_compare(proof, proof_of(user)):
        raise Http404
    return address, user


def parts_of(address):
    """Return the path of an address, as resolvers take it, and its query."""
    path, _, query = address.partition("?")
    return unquote(path), query


def is_download(path):
    """Say whether a path is that of a download."""
    try:
        return resolve(path).url_name in DOWNLOADS
    except Resolver404:
        return False


def proof_of(user):
    """Return what changes when the password does."""
    return user.get_session_auth_hash()[:16]


def answer_as(request, address, user):
    """Answer a request as if it had come to another address of ours, from this user.

    Nothing of the request counts but how it came: neither its own query, nor its cookies and credentials.
    """
    path, query = parts_of(address)
    inner = copy.copy(request)
    inner.META = {
        name: value
        for name, value in request.META.items()
        if name not in ("HTTP_AUTHORIZATION", "HTTP_COOKIE")
    }
    inner.META |= {"PATH_INFO": path, "QUERY_STRING": query}
    vars(inner).pop("headers", None)
    inner.path = inner.path_info = path
    inner.GET, inner.COOKIES, inner.user = QueryDict(query), {}, user
    inner.resolver_match = match = resolve(path)
    return match.func(inner, *match.args, **match.kwargs)
