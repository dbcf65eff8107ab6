"""Addresses for programs that cannot sign in: asked for by our pages, opened by the programs."""

from django.contrib.auth.decorators import login_required
from django.http import JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from vo import handing
from vo.doors import door
from vo.errors import VoError


@login_required
@never_cache
@require_safe
def hand_over(request):
    """Tell a page of ours the address by which a program opens a download as whoever is signed in."""
    try:
        token = handing.hand_over(request.GET.get("address", ""), request.user)
    except VoError as refused:
        return JsonResponse({"code": refused.code, "detail": str(refused)}, status=refused.status)
    address = request.build_absolute_uri(reverse("handed", args=[token]))
    return JsonResponse({"address": address, "seconds": handing.SECONDS})


@door("GET", signed=False)
def handed(request, token):
    """Send the download that a token opens, to whoever has it."""
    return handing.answer_as(request, *handing.opened_by(token))
