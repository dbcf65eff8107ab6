"""The links of a table: declaring, changing and removing them, and what would come of it."""

from django.db import transaction
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.response import Response

from projects.permissions import demand
from worktables.api.finding import WorktableView, read
from worktables.errors import LinkRefused
from worktables.linking import (
    change_link,
    declare,
    draft_link,
    preview_change,
    preview_declaration,
    preview_removal,
    remove_link,
)
from worktables.linking.finding import links_of
from worktables.models import Worktable
from worktables.serializers import (
    ForecastSerializer,
    LinkSerializer,
    LinkSettingsSerializer,
    NewLinkSerializer,
    forecast_document,
    link_documents,
)
from worktables.sight import Sight


class LinksAnswer(WorktableView):
    """Something about links of a table."""

    def find_link(self, pk, link_id, to=None):
        """Return a link; 404 if one may not see both its tables, 403 if one may not do this `to` them."""
        link = get_object_or_404(links_of(self.find(pk, to), self.request.user), pk=link_id)
        if to:
            demand(self.request.user, to, link.source)
            demand(self.request.user, to, link.target)
        return link

    def draft(self, pk):
        """Check what was sent as a new link into a table."""
        user, target = self.request.user, self.find(pk, to="run")
        new = given(read(NewLinkSerializer, self.request.data))
        wanted = new.pop("source")
        source = Worktable.objects.visible_to(user).filter(pk=wanted).select_related("project").first()
        if source is None:
            raise LinkRefused(f"there is no worktable {wanted} to link to")
        return draft_link(new.pop("kind"), source, target, by=user, **new)

    def changes(self, link):
        """Return what was sent as a change of a link."""
        settings = LinkSettingsSerializer().fields
        if (
            strange := sorted(set(self.request.data) - set(settings))
            if isinstance(self.request.data, dict)
            else []
        ):
            raise LinkRefused(
                f"{', '.join(strange)} of a link cannot be changed; its kind, name and tables stay: "
                "remove it, and declare another"
            )
        return read(LinkSettingsSerializer, self.request.data)

    def forecast(self, told, project_id):
        """Answer with what would change, as far as the asker may know."""
        return Response(forecast_document(told, Sight(self.request.user, project_id)))


def given(settings):
    """Return the settings that say something."""
    return {name: value for name, value in settings.items() if value is not None}


class LinksView(LinksAnswer):
    """The links into and out of a table."""

    @extend_schema(operation_id="links_list", responses=LinkSerializer(many=True))
    def get(self, request, pk):
        """List those whose other end one may see."""
        return Response(link_documents(links_of(self.find(pk), request.user)))

    @extend_schema(operation_id="links_create", request=NewLinkSerializer, responses={201: LinkSerializer})
    @transaction.atomic
    def post(self, request, pk):
        """Link another table to this one: `each`, `expand`, `collect`, `latest-valid-at` or `nearest`."""
        link = declare(self.draft(pk), by=request.user)
        return Response(link_documents([link])[0], status.HTTP_201_CREATED)


class NewLinkPreviewView(LinksAnswer):
    """A link that does not exist yet."""

    @extend_schema(operation_id="links_preview", request=NewLinkSerializer, responses=ForecastSerializer)
    def post(self, request, pk):
        """Say what would change if it were declared, and declare nothing; what would be refused is refused."""
        draft = self.draft(pk)
        return self.forecast(preview_declaration(draft, by=request.user), draft.target.project_id)


class LinkView(LinksAnswer):
    """A link into or out of a table."""

    @extend_schema(operation_id="links_retrieve", responses=LinkSerializer)
    def get(self, request, pk, link_id):
        """Show it, its columns by name."""
        return Response(link_documents([self.find_link(pk, link_id)])[0])

    @extend_schema(operation_id="links_update", request=LinkSettingsSerializer, responses=LinkSerializer)
    def patch(self, request, pk, link_id):
        """Change some of its settings; null takes one away. What depends on the change becomes stale."""
        link = self.find_link(pk, link_id, to="run")
        change_link(link, by=request.user, **self.changes(link))
        return Response(link_documents([link])[0])

    @extend_schema(operation_id="links_delete", request=None, responses={204: None})
    def delete(self, request, pk, link_id):
        """Remove it: rows that it made retire, cells that it looked up are emptied."""
        remove_link(self.find_link(pk, link_id, to="run"), by=request.user)
        return Response(status=status.HTTP_204_NO_CONTENT)


class LinkPreviewView(LinksAnswer):
    """A change of a link."""

    @extend_schema(
        operation_id="links_preview_change", request=LinkSettingsSerializer, responses=ForecastSerializer
    )
    def post(self, request, pk, link_id):
        """Say what would change if these settings were sent by PATCH, and change nothing."""
        link = self.find_link(pk, link_id, to="run")
        told = preview_change(link, by=request.user, **self.changes(link))
        return self.forecast(told, link.source.project_id)


class LinkRemovalPreviewView(LinksAnswer):
    """The removal of a link."""

    @extend_schema(operation_id="links_preview_removal", request=None, responses=ForecastSerializer)
    def post(self, request, pk, link_id):
        """Say what would change if it were removed, and remove nothing."""
        link = self.find_link(pk, link_id, to="run")
        return self.forecast(preview_removal(link), link.source.project_id)
