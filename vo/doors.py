"""What all addresses of the Virtual Observatory have in common: who asks, from whichever site, and how errors look."""

import functools
import os

from django.core.exceptions import RequestDataTooBig
from django.http import HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from vo.errors import VoError
from vo.signing import CHALLENGE, NotSignedIn, who_asks
from worktables.formats.votable import write_error

VOTABLE_TYPE = "application/x-votable+xml"
TEXT_TYPE = "text/plain; charset=utf-8"


def door(*methods, errors="text", signed=True):
    """Make a view an address of the Virtual Observatory.

    `request.user` is whoever signs the request, by whichever way; nobody's request is not refused here. Errors of ours
    become an answer: a sentence, or a VOTable that says it.

    Parameters
    ----------
    *methods : str
        What may be asked, besides HEAD and OPTIONS.
    errors : {"text", "votable"}
        How errors are told.
    signed : bool
        Whether it matters who asks; where it does not, the database is not asked either.
    """
    allowed = [*methods, *(["HEAD"] if "GET" in methods else []), "OPTIONS"]

    def decorate(view):
        @csrf_exempt  # what a session may do without is decided where we ask who asks
        @functools.wraps(view)
        def answer(request, *args, **kwargs):
            if request.method == "OPTIONS":
                return as_open(HttpResponse(status=204, headers={"Allow": ", ".join(allowed)}), allowed)
            if request.method not in allowed:
                return as_open(told(WrongMethod(request.method, allowed), errors), allowed)
            know_length(request)
            try:
                if signed:
                    request.user = who_asks(request)
                response = view(request, *args, **kwargs)
            except (VoError, RequestDataTooBig, MultiPartParserError) as error:
                response = told(error, errors)
            return as_open(response, allowed)

        return answer

    return decorate


def know_length(request):
    """Measure a body that came in chunks, as STILTS sends its tables: Django takes what has no length for empty.

    The server has put all of it into a file before anybody looks at it.
    """
    if (
        hasattr(request, "scope")
        and not request.META.get("CONTENT_LENGTH")
        and request.method in ("POST", "PUT")
    ):
        body = request._stream
        body.seek(0, os.SEEK_END)
        request.META["CONTENT_LENGTH"] = str(body.tell())
        body.seek(0)


class WrongMethod(VoError):
    """An address does not take what it is asked with."""

    code = "wrong-method"
    status = 405

    def __init__(self, method, allowed):
        self.allowed = ", ".join(allowed)
        super().__init__(f"{method} is not for this address; {self.allowed} are")


def told(error, how):
    """Answer with what is wrong, as text or as a VOTable."""
    sentence, status = str(error), getattr(error, "status", 400)
    if isinstance(error, RequestDataTooBig):
        sentence, status = "the request is too large; send long values as files (multipart/form-data)", 413
    if how == "votable":
        response = HttpResponse(write_error(sentence), status=status, content_type=VOTABLE_TYPE)
    else:
        response = HttpResponse(f"{sentence}\n", status=status, content_type=TEXT_TYPE)
    if seconds := getattr(error, "retry_seconds", None):
        response["Retry-After"] = str(seconds)
    if isinstance(error, WrongMethod):
        response["Allow"] = error.allowed
    if isinstance(error, NotSignedIn):
        response["WWW-Authenticate"] = CHALLENGE
    return response


def as_open(response, allowed):
    """Let pages of any site read an answer; never with the cookies of their visitors."""
    response["Access-Control-Allow-Origin"] = "*"
    response["Access-Control-Allow-Methods"] = ", ".join(allowed)
    response["Access-Control-Allow-Headers"] = "Authorization, Content-Type, X-Requested-With, Range"
    response["Access-Control-Expose-Headers"] = (
        "Location, Content-Disposition, Content-Length, WWW-Authenticate"
    )
    response["Access-Control-Max-Age"] = "86400"
    response.headers.setdefault("Cache-Control", "no-store")
    patch_vary_headers(response, ["Authorization", "Cookie"])
    return response
