"""Turning errors into answers, once, for programs and for people.

An error of ours is any exception with a `code` (kebab-case) and a `status`; what else it knows it tells by
a method `facts()`, or by its attributes. Programs get {"code": …, "detail": …} and the facts; people get a page.
"""

import logging
import math
import sys
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import InterfaceError, OperationalError
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.deprecation import MiddlewareMixin
from django.utils.http import url_has_allowed_host_and_scheme
from rest_framework import exceptions
from rest_framework.fields import get_error_detail
from rest_framework.response import Response
from rest_framework.views import exception_handler

log = logging.getLogger(__name__)

TITLES = {
    400: "That cannot be done like this",
    403: "You may not do that",
    404: "There is nothing here",
    405: "There is no page at this address",
    409: "That does not go with what is there now",
    413: "That is too large",
    500: "Something broke on our side",
    503: "Not just now",
}
SILENT = "The database does not answer"
RETRY_SECONDS = 5


def answer_as_json(error, context):
    """Answer an API request that went wrong; what is nobody's declared error stays a server error."""
    if is_ours(error):
        return Response(as_document(error), status=error.status)
    if isinstance(error, DjangoValidationError):
        error = exceptions.ValidationError(get_error_detail(error))

    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        response.data = {"code": "invalid", "detail": in_words(error.detail), "fields": error.detail}
    else:
        detail = response.data.get("detail", "")
        response.data = {"code": getattr(detail, "code", "error").replace("_", "-"), "detail": str(detail)}
    return response


class ErrorAnswers(MiddlewareMixin):
    """Answers requests whose view raised one of our errors, with a page or with JSON as was asked for."""

    def process_exception(self, request, error):
        """Return an answer to an error of ours; leave every other to Django."""
        if is_ours(error):
            response = answer(request, error.status, error.code, str(error), facts_of(error))
            if seconds := getattr(error, "retry_seconds", None):
                response["Retry-After"] = str(seconds)
            return response
        return database_silent(request, error) if is_silence(error) else None

    def process_response(self, request, response):
        """Say what it means where only forms are sent, when somebody loads such an address anew."""
        if response.status_code != 405 or response.content or wants_json(request):
            return response
        page = answer(
            request, 405, "method-not-allowed", "It only takes what a form sends; go back to its page."
        )
        page["Allow"] = response["Allow"]
        return page


def not_found(request, exception=None):
    """Answer that there is nothing, without saying whether there is something others may see."""
    detail = "Either the address is wrong, or what it names was removed or is not shared with you."
    return answer(request, 404, "not-found", detail)


def forbidden(request, exception=None):
    """Answer that this person may not do this."""
    return answer(request, 403, "permission-denied", str(exception or "") or "Your role does not allow this.")


def csrf_refused(request, reason=""):
    """Answer a form that does not prove it came from our page."""
    detail = "The form was too old or came from another site. Load the page again, then send it once more."
    return answer(request, 403, "csrf-refused", detail)


def bad_request(request, exception=None):
    """Answer a request that makes no sense."""
    if isinstance(exception, RequestDataTooBig):
        largest = settings.DATA_UPLOAD_MAX_MEMORY_SIZE / 1e6
        detail = f"At most {largest:.1f} MB are taken at once; send it in parts, or as a file."
        return answer(request, 413, "too-large", detail)
    return answer(request, 400, "bad-request", "The request could not be understood.")


def broken(request):
    """Answer that we failed."""
    if is_silence(sys.exception()):
        return database_silent(request, sys.exception())
    detail = "The failure was written to the log. What you saved before is kept; try again in a moment."
    return answer_without_database(request, 500, "server-error", detail)


def database_silent(request, error):
    """Answer that the database is away, is full or was interrupted.

    Whether a change that was on its way was still taken is not known: the answer to that may be what was lost.
    """
    log.error("the database refused: %s", " ".join(str(error).split()))
    detail = (
        "It is being restarted, or takes nothing just now. What you saved before is kept. Try again in a moment; "
        "if you were changing something, first look whether the change is there already."
    )
    response = answer_without_database(request, 503, "database-silent", detail)
    response["Retry-After"] = str(RETRY_SECONDS)
    return response


def answer_without_database(request, status, code, detail):
    """Answer with a page that asks nothing of the database: it may be what is broken."""
    if wants_json(request):
        return JsonResponse({"code": code, "detail": detail}, status=status)
    title = SILENT if code == "database-silent" else TITLES[status]
    facts = {"status": status, "code": code, "title": title, "detail": detail}
    return HttpResponse(render_to_string("portal/error.html", facts), status=status)


def answer(request, status, code, detail, facts=None):
    """Answer with a page that says what is wrong and where to go, or with JSON."""
    if wants_json(request):
        return JsonResponse({**(facts or {}), "code": code, "detail": detail}, status=status)
    page = {"status": status, "code": code, "title": TITLES.get(status, TITLES[400]), "detail": detail}
    return render(request, "portal/error.html", page | {"back": page_before(request)}, status=status)


def wants_json(request):
    """Say whether a program asks: by its address, or by what it accepts."""
    if request.path.startswith("/api/"):
        return True
    return request.get_preferred_type(["text/html", "application/json"]) == "application/json"


def page_before(request):
    """Return the path of the page of ours from which the request came, if it says so and is another one."""
    referer = request.META.get("HTTP_REFERER", "")
    if not url_has_allowed_host_and_scheme(referer, {request.get_host()}):
        return ""
    parts = urlsplit(referer)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return path if request.method != "GET" or path != request.get_full_path() else ""


def is_ours(error):
    """Say whether an exception says by itself how it wants to be answered."""
    return isinstance(getattr(error, "code", None), str) and isinstance(getattr(error, "status", None), int)


def is_silence(error):
    """Say whether an error is the database's: its connection was cut, its disk is full, it is not there."""
    return isinstance(error, OperationalError | InterfaceError)


def as_document(error):
    """Return an error of ours as programs get it."""
    return {**facts_of(error), "code": error.code, "detail": str(error)}


def facts_of(error):
    """Return what the error knows, as far as JSON can say it."""
    facts = error.facts() if callable(getattr(error, "facts", None)) else vars(error)
    return {
        name: plain(value) for name, value in facts.items() if not name.startswith("_") and sayable(value)
    }


def sayable(value):
    """Say whether a fact is a plain value, or made of them; records are not for answers."""
    if isinstance(value, dict):
        return all(map(sayable, value.values()))
    if isinstance(value, list | tuple | set | frozenset):
        return all(map(sayable, value))
    return value is None or isinstance(value, bool | int | float | str)


def plain(value):
    """Return a fact as strict JSON has it: what is not finite becomes text, like integers no browser can hold."""
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, set | frozenset):
        return sorted(map(plain, value), key=str)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and abs(value) > 2**53:
        return str(value)
    return value


def in_words(detail, where=""):
    """Return the complaints of a form or serializer as one line, each with its field's name."""
    if isinstance(detail, dict):
        return "; ".join(
            in_words(one, "" if name in ("non_field_errors", "__all__") else name)
            for name, one in detail.items()
        )
    if isinstance(detail, list):
        return "; ".join(in_words(one, where) for one in detail if one)
    return f"{where}: {detail}" if where else str(detail)
