"""The door of programs to projects: making one, deciding who works on it, trash and back."""

from django.http import Http404
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.response import Response
from rest_framework.views import APIView

from projects.editing import create_project, delete_project, describe_project, restore_project
from projects.models import Project
from projects.permissions import demand, roles_of
from projects.serializers import (
    MemberSerializer,
    NewProjectSerializer,
    ProjectPatchSerializer,
    ProjectSerializer,
)
from projects.sharing import find_member, members_of, share_with, withdraw_from


class ProjectView(APIView):
    """One project, found among those the asker may see."""

    def find(self, slug, to=None):
        """Return the project; 404 if it is not to be seen, 403 if the asker may not do this `to` it."""
        project = get_object_or_404(Project.objects.visible_to(self.request.user), slug=slug)
        if to:
            demand(self.request.user, to, project)
        return project

    def document(self, project):
        """Return the project as JSON."""
        return project_documents(self.request.user, [project])[0]


def project_documents(user, projects):
    """Return projects as JSON, with the role of the user on each, from one query."""
    roles = roles_of(user, Project.objects.filter(pk__in=[project.pk for project in projects]))
    return ProjectSerializer(projects, many=True, context={"roles": roles}).data


class ProjectList(GenericAPIView):
    """The projects one may see."""

    serializer_class = ProjectSerializer
    queryset = Project.objects.none()

    def projects(self):
        """Return them in order."""
        return Project.objects.visible_to(self.request.user)

    @extend_schema(operation_id="projects_list")
    def get(self, request):
        """List them."""
        page = self.paginate_queryset(self.projects().select_related("created_by").order_by("slug"))
        return self.get_paginated_response(project_documents(request.user, page))


class ProjectsView(ProjectList):
    """The projects one may see, and new ones."""

    @extend_schema(
        operation_id="projects_create", request=NewProjectSerializer, responses={201: ProjectSerializer}
    )
    def post(self, request):
        """Make a project; whoever makes it owns it."""
        new = NewProjectSerializer(data=request.data)
        new.is_valid(raise_exception=True)
        project = create_project(**new.validated_data, creator=request.user)
        return Response(project_documents(request.user, [project])[0], status.HTTP_201_CREATED)


class TrashedProjectsView(ProjectList):
    """The projects in the trash that one may bring back."""

    def projects(self):
        """Return them in order."""
        return Project.objects.restorable_by(self.request.user)

    @extend_schema(operation_id="projects_in_trash_list")
    def get(self, request):
        """List them."""
        return super().get(request)


class ProjectDetailView(ProjectView):
    """One project."""

    @extend_schema(operation_id="projects_retrieve", responses=ProjectSerializer)
    def get(self, request, slug):
        """Show it."""
        return Response(self.document(self.find(slug)))

    @extend_schema(
        operation_id="projects_update", request=ProjectPatchSerializer, responses=ProjectSerializer
    )
    def patch(self, request, slug):
        """Change its title or description."""
        project = self.find(slug, to="run")
        change = ProjectPatchSerializer(data=request.data)
        change.is_valid(raise_exception=True)
        describe_project(project, **change.validated_data, by=request.user)
        return Response(self.document(project))

    @extend_schema(operation_id="projects_delete", request=None, responses={204: None})
    def delete(self, request, slug):
        """Put it in the trash."""
        delete_project(self.find(slug), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ProjectRestoreView(ProjectView):
    """A project in the trash."""

    @extend_schema(operation_id="projects_restore", request=None, responses=ProjectSerializer)
    def post(self, request, slug):
        """Bring it back."""
        trashed = Project.objects.trashed().permitted(request.user, "view")
        project = get_object_or_404(trashed, slug=slug)
        restore_project(project, by=request.user)
        return Response(self.document(project))


class MembersView(ProjectView):
    """Who was given a role on a project."""

    @extend_schema(operation_id="project_members_list", responses=MemberSerializer(many=True))
    def get(self, request, slug):
        """List people, then groups."""
        return Response(MemberSerializer(members_of(self.find(slug)), many=True).data)

    @extend_schema(
        operation_id="project_members_share", request=MemberSerializer, responses=MemberSerializer(many=True)
    )
    def post(self, request, slug):
        """Give somebody a role, in place of the one they had."""
        return share(request, self.find(slug, to="share"))


class MemberView(ProjectView):
    """One who was given a role on a project."""

    @extend_schema(operation_id="project_members_withdraw", request=None, responses={204: None})
    def delete(self, request, slug, kind, name):
        """Take the role away; anybody may leave."""
        return withdraw(request, self.find(slug), kind, name)


def share(request, thing):
    """Give the person or group that the request names a role on this thing."""
    new = MemberSerializer(data=request.data)
    new.is_valid(raise_exception=True)
    name, kind, role = (new.validated_data[key] for key in ("name", "kind", "role"))
    share_with(thing, find_member(name, kind), role, by=request.user)
    return Response(MemberSerializer(members_of(thing), many=True).data)


def withdraw(request, thing, kind, name):
    """Take the role of somebody on this thing away."""
    demanded = "view" if (kind, name) == ("user", request.user.get_username()) else "share"
    demand(request.user, demanded, thing)
    for member in members_of(thing):
        if (member.kind, member.name) == (kind, name):
            withdraw_from(thing, member.who, by=request.user)
            return Response(status=status.HTTP_204_NO_CONTENT)
    raise Http404
