"""Making some cells, and keeping what is good enough."""

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.response import Response

from worktables.api.finding import WorktableView, read
from worktables.keeping import keep_as_it_is, stop_keeping
from worktables.making import make
from worktables.models import Worktable
from worktables.planning import plan_wish, wish_for
from worktables.serializers import (
    CountSerializer,
    KeepSerializer,
    PlanSerializer,
    WishSerializer,
    plan_document,
)


class PlanView(WorktableView):
    """What making some cells would take."""

    @extend_schema(operation_id="plan_make", request=WishSerializer, responses=PlanSerializer)
    def post(self, request, pk):
        """Say what would run, in which tables, why and for how long, without running it."""
        worktable = self.find(pk)
        asked = read(WishSerializer, request.data)
        wish = wish_for(
            worktable,
            request.user,
            rows=asked.get("rows"),
            step=asked.get("step"),
            and_below=asked["below"],
            depth=asked.get("depth"),
        )
        return Response(plan_document(plan_wish(wish, request.user)))


class MakeView(WorktableView):
    """Making some cells."""

    @extend_schema(operation_id="cells_make", request=WishSerializer, responses={202: PlanSerializer})
    def post(self, request, pk):
        """Queue them and all that they are made from, before what nobody waits for."""
        worktable = self.find(pk, to="run")
        asked = read(WishSerializer, request.data)
        visible = Worktable.objects.visible_to(request.user).filter(project=worktable.project_id)
        keep = [
            (get_object_or_404(visible, pk=one["worktable"]), one["step"]) for one in asked.get("keep", [])
        ]
        plan = make(
            worktable,
            by=request.user,
            rows=asked.get("rows"),
            step=asked.get("step"),
            and_below=asked["below"],
            keep=keep,
        )
        return Response(plan_document(plan), status.HTTP_202_ACCEPTED)


class KeepView(WorktableView):
    """Results that are used though they are stale."""

    @extend_schema(operation_id="rows_keep", request=KeepSerializer, responses=CountSerializer)
    def post(self, request, pk):
        """Keep them as they are; what is below goes on with them."""
        asked = read(KeepSerializer, request.data)
        worktable = self.find(pk, to="run")
        return Response({"n": keep_as_it_is(worktable, asked["rows"], asked["step"], by=request.user)})


class StopKeepingView(WorktableView):
    """Results that are to be made again."""

    @extend_schema(operation_id="rows_stop_keeping", request=KeepSerializer, responses=CountSerializer)
    def post(self, request, pk):
        """Make again what was kept as it is, and what was made from it."""
        asked = read(KeepSerializer, request.data)
        worktable = self.find(pk, to="run")
        return Response({"n": stop_keeping(worktable, asked["rows"], asked["step"], by=request.user)})
