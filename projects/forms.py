"""What people type about projects."""

from django import forms

from projects.models import name_validator
from projects.sharing import ROLES


class DescriptionForm(forms.Form):
    """What a project is called and about."""

    title = forms.CharField(max_length=200)
    description = forms.CharField(
        required=False,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="What is measured, from which archive, for which question.",
    )


class ProjectForm(DescriptionForm):
    """A project that does not exist yet."""

    slug = forms.CharField(
        label="Name",
        max_length=63,
        validators=[name_validator],
        help_text="As in “virgo_survey”: lower-case letters, digits, underscores. It names the address, the folder "
        "and the tables in queries, and stays as it is. Where the archive has a folder of that name "
        "already, only a curator or whom the folder names can take it.",
        widget=forms.TextInput(attrs={"autocapitalize": "none", "spellcheck": "false", "class": "mono"}),
    )

    field_order = ["title", "slug", "description"]


class MemberForm(forms.Form):
    """Somebody, and their role."""

    kind = forms.ChoiceField(label="Who", choices=[("user", "a person"), ("group", "a group")])
    name = forms.CharField(
        max_length=150,
        label="Name",
        widget=forms.TextInput(
            attrs={"autocapitalize": "none", "autocomplete": "off", "spellcheck": "false"}
        ),
    )
    role = forms.ChoiceField(choices=[(role, role) for role in ROLES], initial="reader")
