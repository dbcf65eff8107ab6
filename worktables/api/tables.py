"""Worktables and their columns."""

from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response

from pipelines.models import Pipeline
from projects.api import share, withdraw
from projects.models import Project
from projects.permissions import demand, role_of
from projects.serializers import MemberSerializer
from projects.sharing import members_of
from worktables.api.finding import AlwaysJSON, WorktableView, read
from worktables.columns import (
    NewColumn,
    add_column,
    describe_column,
    drop_column,
    find,
    rename_column,
)
from worktables.creating import (
    create_worktable,
    delete_worktable,
    describe_worktable,
    rename_worktable,
    restore_worktable,
)
from worktables.linking.finding import links_of
from worktables.models import Worktable
from worktables.planning import plan_update
from worktables.serializers import (
    ColumnPatchSerializer,
    ColumnSerializer,
    NewColumnSerializer,
    NewWorktableSerializer,
    WorktableDetailSerializer,
    WorktablePatchSerializer,
    WorktableSerializer,
    link_documents,
)
from worktables.updating import state_counts


def table_documents(user, worktables):
    """Return worktables as a list shows them; the number of queries does not depend on theirs."""
    projects = Project.objects.visible_to(user).filter(pk__in={table.project_id for table in worktables})
    context = {"states": state_counts(worktables), "projects": set(projects.values_list("pk", flat=True))}
    return WorktableSerializer(worktables, many=True, context=context).data


def table_document(user, worktable):
    """Return a worktable with all that is declared about it."""
    worktable.refresh_from_db()
    (document,) = table_documents(user, [worktable])
    return {
        **document,
        "description": worktable.description,
        "parameters": worktable.parameters,
        "created_at": worktable.created_at,
        "role": role_of(user, worktable),
        "columns": ColumnSerializer(worktable.columns.all(), many=True).data,
        "steps": list(worktable.steps.values("name", "kind", "step")),
        "links": link_documents(links_of(worktable, user)),
        "plan": plan_update(worktable, user).sentence(),
    }


class WorktableList(GenericAPIView):
    """Some worktables."""

    serializer_class = WorktableSerializer
    content_negotiation_class = AlwaysJSON
    queryset = Worktable.objects.none()

    def answer(self, worktables):
        """Answer with a page of them."""
        page = self.paginate_queryset(worktables.select_related("project", "pipeline").order_by("id"))
        return self.get_paginated_response(table_documents(self.request.user, page))


class WorktablesView(WorktableList):
    """The worktables one may see, and new ones."""

    @extend_schema(
        operation_id="worktables_list",
        parameters=[OpenApiParameter("project", str, description="slug of a project"),
                    OpenApiParameter("name", str)],
    )  # fmt: skip
    def get(self, request):
        """List them."""
        worktables = Worktable.objects.visible_to(request.user)
        if slug := request.query_params.get("project"):
            worktables = worktables.filter(
                project__in=Project.objects.visible_to(request.user).filter(slug=slug)
            )
        if name := request.query_params.get("name"):
            worktables = worktables.filter(name=name)
        return self.answer(worktables)

    @extend_schema(
        operation_id="worktables_create",
        request=NewWorktableSerializer,
        responses={201: WorktableDetailSerializer},
    )
    def post(self, request):
        """Make a worktable in a project one may edit."""
        slug = request.data.get("project", "") if isinstance(request.data, dict) else ""
        if slug:
            demand(request.user, "run", self.project(slug))
        new = read(NewWorktableSerializer, request.data)
        worktable = create_worktable(
            self.project(new.pop("project")),
            new.pop("name"),
            creator=request.user,
            columns=[NewColumn(**column) for column in new.pop("columns")],
            pipeline=pipeline_named(new.pop("pipeline"), new.pop("pipeline_version")),
            **new,
        )
        return Response(table_document(request.user, worktable), status.HTTP_201_CREATED)

    def project(self, slug):
        """Find a project among those one may see."""
        if "\0" in str(slug):  # which PostgreSQL does not compare
            raise Http404
        return get_object_or_404(Project.objects.visible_to(self.request.user), slug=str(slug))


def pipeline_named(name, version):
    """Return a pipeline, the newest version if none is named; no name is no pipeline."""
    if not name:
        return None
    named = Pipeline.objects.filter(name=name)
    found = named.filter(version=version).first() if version else named.order_by("-version").first()
    if found is None:
        known = ", ".join(f"{one.name} ({one.version})" for one in Pipeline.objects.all()) or "none yet"
        raise ValidationError({"pipeline": [f"there is no “{name}” {version or ''}; there are: {known}"]})
    return found


class TrashedWorktablesView(WorktableList):
    """The worktables in the trash that one may bring back."""

    @extend_schema(operation_id="worktables_in_trash_list")
    def get(self, request):
        """List them."""
        return self.answer(trashed().permitted(request.user, "run"))


def trashed():
    """Return the tables in the trash of projects that are in use."""
    return Worktable.objects.exclude(deleted_at=None).filter(project__deleted_at=None)


class WorktableDetailView(WorktableView):
    """One worktable."""

    @extend_schema(operation_id="worktables_retrieve", responses=WorktableDetailSerializer)
    def get(self, request, pk):
        """Show it with its columns, steps and links, and what an update would do."""
        return Response(table_document(request.user, self.find(pk)))

    @extend_schema(
        operation_id="worktables_update",
        request=WorktablePatchSerializer,
        responses=WorktableDetailSerializer,
    )
    def patch(self, request, pk):
        """Change its name, its title and description, or when it is updated."""
        worktable = self.find(pk, to="run")
        facts = read(WorktablePatchSerializer, request.data)
        with transaction.atomic():
            if name := facts.pop("name", None):
                rename_worktable(worktable, name, by=request.user)
            if facts:
                describe_worktable(worktable, by=request.user, **facts)
        return Response(table_document(request.user, worktable))

    @extend_schema(operation_id="worktables_delete", request=None, responses={204: None})
    def delete(self, request, pk):
        """Put it in the trash."""
        delete_worktable(self.find(pk), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class WorktableRestoreView(WorktableView):
    """A worktable in the trash."""

    @extend_schema(operation_id="worktables_restore", request=None, responses=WorktableDetailSerializer)
    def post(self, request, pk):
        """Bring it back."""
        worktable = get_object_or_404(trashed().permitted(request.user, "view"), pk=pk)
        demand(request.user, "run", worktable)
        restore_worktable(worktable, by=request.user)
        return Response(table_document(request.user, worktable))


class WorktableMembersView(WorktableView):
    """Who was given a role on this table, beyond those of its project."""

    @extend_schema(operation_id="worktable_members_list", responses=MemberSerializer(many=True))
    def get(self, request, pk):
        """List people, then groups."""
        return Response(MemberSerializer(members_of(self.find(pk)), many=True).data)

    @extend_schema(
        operation_id="worktable_members_share",
        request=MemberSerializer,
        responses=MemberSerializer(many=True),
    )
    def post(self, request, pk):
        """Give somebody a role on this table alone."""
        return share(request, self.find(pk, to="share"))


class WorktableMemberView(WorktableView):
    """One who was given a role on this table."""

    @extend_schema(operation_id="worktable_members_withdraw", request=None, responses={204: None})
    def delete(self, request, pk, kind, name):
        """Take the role away; anybody may leave."""
        return withdraw(request, self.find(pk), kind, name)


class ColumnsView(WorktableView):
    """The columns of a table."""

    @extend_schema(operation_id="columns_list", responses=ColumnSerializer(many=True))
    def get(self, request, pk):
        """List them in order."""
        return Response(ColumnSerializer(self.find(pk).columns.all(), many=True).data)

    @extend_schema(
        operation_id="columns_create", request=NewColumnSerializer, responses={201: ColumnSerializer}
    )
    def post(self, request, pk):
        """Add one; its cells are empty."""
        worktable = self.find(pk, to="run")
        declared = NewColumn(**read(NewColumnSerializer, request.data))
        column = add_column(worktable, declared, by=request.user)
        return Response(ColumnSerializer(column).data, status.HTTP_201_CREATED)


class ColumnView(WorktableView):
    """One column."""

    @extend_schema(operation_id="columns_update", request=ColumnPatchSerializer, responses=ColumnSerializer)
    def patch(self, request, pk, name):
        """Rename it, or change what is said about it."""
        worktable = self.find(pk, to="run")
        facts = read(ColumnPatchSerializer, request.data)
        with transaction.atomic():
            if facts.get("name", name) != name:
                rename_column(worktable, name, facts["name"], by=request.user)
            name = facts.pop("name", name)
            if facts:
                describe_column(worktable, name, by=request.user, **facts)
        return Response(ColumnSerializer(find(worktable, name)).data)

    @extend_schema(operation_id="columns_delete", request=None, responses={204: None})
    def delete(self, request, pk, name):
        """Drop it with all its cells."""
        drop_column(self.find(pk, to="run"), name, by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)
