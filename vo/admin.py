"""The curator's door: what waits to be decided, and what was decided; deciding is done where it is seen."""

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html

from vo.models import Publication, PublishedVersion
from worktables.admin import ReadOnlyAdmin


@admin.register(PublishedVersion)
class PublishedVersionAdmin(ReadOnlyAdmin):
    """Published versions, those that wait for a curator first."""

    list_display = ["name", "decide", "title", "asked_for", "seen_by", "verdict", "made_at"]
    list_filter = ["verdict", "asked", "scope", "publication__schema"]
    search_fields = ["title", "description", "creator", "publication__schema", "publication__name"]
    list_select_related = ["publication"]
    ordering = ["-verdict", "-pk"]
    readonly_fields = ["decide"]

    @admin.display(description="name in ADQL")
    def name(self, version):
        """Its name."""
        return version.full_name

    @admin.display(description="asked for", ordering="asked")
    def asked_for(self, version):
        """Who shall see it, in a word."""
        return version.asked

    @admin.display(description="seen by", ordering="scope")
    def seen_by(self, version):
        """Who sees it, in a word."""
        return version.scope

    @admin.display(description="page")
    def decide(self, version):
        """Lead to the page where it is seen and decided."""
        waits = version.verdict == version.Verdict.WAITING
        words = "look at it, decide" if waits else "look at it"
        address = reverse(
            "published-version", args=[version.publication.schema, version.publication.name, version.number]
        )
        return format_html('<a href="{}">{}</a>', address, words)


@admin.register(Publication)
class PublicationAdmin(ReadOnlyAdmin):
    """The names under which tables are published."""

    list_display = ["__str__", "worktable", "created_at"]
    list_filter = ["schema"]
    search_fields = ["schema", "name"]
    list_select_related = ["worktable"]
