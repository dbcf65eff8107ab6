"""Projects and the people on them, as programs see them."""

from rest_framework import serializers

from projects.models import Project
from projects.permissions import ROLES


class ProjectSerializer(serializers.ModelSerializer):
    """A project, and in which role the asker meets it."""

    role = serializers.SerializerMethodField()
    created_by = serializers.CharField(source="created_by.username", read_only=True, default=None)

    class Meta:
        model = Project
        fields = ["slug", "title", "description", "parameters", "role", "created_by", "created_at"]
        read_only_fields = fields

    def get_role(self, project) -> str | None:
        """Answer from what the view asked once for all projects."""
        return self.context.get("roles", {}).get(project.pk)


class NewProjectSerializer(serializers.Serializer):
    """What a project is made of."""

    slug = serializers.CharField(
        max_length=63, help_text="lower-case letters, digits, underscores; never changes"
    )
    title = serializers.CharField(max_length=200)
    description = serializers.CharField(required=False, default="", allow_blank=True)


class ProjectPatchSerializer(serializers.Serializer):
    """What may be changed about a project."""

    title = serializers.CharField(max_length=200, required=False)
    description = serializers.CharField(required=False, allow_blank=True)


class MemberSerializer(serializers.Serializer):
    """A person or group, and the role they were given."""

    name = serializers.CharField(help_text="user name, or name of the group")
    kind = serializers.ChoiceField(["user", "group"], default="user")
    role = serializers.CharField(help_text=", ".join(ROLES))
