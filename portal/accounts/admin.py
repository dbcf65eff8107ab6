"""The curator's door to people and their tokens."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin

from portal.accounts.models import Token, User


@admin.register(User)
class PeopleAdmin(UserAdmin):
    """Django's own, with the date of the last visit in the list."""

    list_display = ["username", "email", "first_name", "last_name", "is_staff", "is_active", "last_login"]
    list_filter = ["is_active", "is_staff", "is_superuser", "groups"]


@admin.register(Token)
class TokenAdmin(admin.ModelAdmin):
    """Tokens can be found and revoked; they are made by their owners only."""

    list_display = ["name", "short_digest", "user", "created", "expiry"]
    search_fields = ["name", "user__username"]
    list_select_related = ["user"]
    fields = readonly_fields = ["name", "short_digest", "user", "created", "expiry"]

    def has_add_permission(self, request):
        return False

    def has_change_permission(self, request, obj=None):
        return False
