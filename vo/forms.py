"""What people say when they publish, and when they decide."""

from django import forms

from projects.models import Project
from vo.models import PublishedVersion, SavedQuery, Scope
from vo.publishing.proposing import CURATION
from worktables.forms import name_field

LINES = {"rows": 3}


class ProposalForm(forms.ModelForm):
    """What is said of a table that is published, and who shall see it.

    Parameters
    ----------
    first : bool
        Whether it is the first version, which takes the place of none.
    inputs : list of Worktable
        What could be published along with it.
    """

    class Meta:
        model = PublishedVersion
        fields = ["asked", "title", "description", "creator", "rights", "contact", "citation", "changes"]
        labels = {"asked": "Who shall see it", "changes": "Why a new version"}
        widgets = {
            "description": forms.Textarea(attrs=LINES),
            "citation": forms.Textarea(attrs={"rows": 2}),
            "changes": forms.Textarea(attrs={"rows": 2}),
            "asked": forms.RadioSelect,
        }
        help_texts = {
            "asked": "Private and project are yours to choose. A curator decides about the others; "
            "until then the project sees it.",
            "creator": "Who made it, as it shall be cited.",
            "rights": "Under which terms others may use it.",
            "contact": "Whom to ask: a name, an address.",
            "citation": "Left empty, it is made of creator, year, title and name.",
            "changes": "What is better than in the version before; it is shown beside the old one.",
        }

    def __init__(self, *args, first, inputs, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["asked"].choices = Scope.choices
        self.fields["citation"].required = False
        for name, remedy in CURATION.items():
            self.fields[name].error_messages["required"] = f"{remedy[0].upper()}{remedy[1:]}."
        if first:
            del self.fields["changes"]
        else:
            self.fields["changes"].required = True
            self.fields["changes"].error_messages["required"] = (
                "Say why it takes the place of the one before."
            )
        if inputs:
            self.fields["along"] = forms.MultipleChoiceField(
                choices=[(table.pk, table.title or table.name) for table in inputs],
                widget=forms.CheckboxSelectMultiple,
                required=False,
                label="Publish what it was made from as well",
                help_text="These tables are not published as widely. Readers could not follow a number into them.",
            )


class DecisionForm(forms.Form):
    """What a curator decides about a version."""

    scope = forms.ChoiceField(label="Who sees it", widget=forms.RadioSelect)
    reason = forms.CharField(
        required=False,
        label="If refused, why",
        widget=forms.Textarea(attrs={"rows": 2}),
        help_text="The owner reads it, and knows what to change.",
    )

    def __init__(self, version, *args, **kwargs):
        super().__init__(*args, **kwargs)
        scopes = list(Scope)
        wide = scopes[scopes.index(Scope(version.scope)) : scopes.index(Scope(version.asked)) + 1]
        self.fields["scope"].choices = [(scope.value, scope.label) for scope in wide]
        self.fields["scope"].initial = version.asked


class SavedQueryForm(forms.ModelForm):
    """What a saved query is called, and who may read it."""

    class Meta:
        model = SavedQuery
        fields = ["name", "about", "is_open", "text"]
        labels = {
            "about": "What it is for",
            "is_open": "Open to whoever has its address",
            "text": "Query in ADQL",
        }
        help_texts = {
            "about": "May be left empty.",
            "is_open": "They read the query, and find what they themselves may see.",
        }
        widgets = {
            "about": forms.Textarea(attrs={"rows": 2}),
            "text": forms.Textarea(
                attrs={"rows": 10, "class": "mono", "spellcheck": "false", "autocapitalize": "none"}
            ),
        }

    def __init__(self, *args, owner, **kwargs):
        super().__init__(*args, **kwargs)
        self.instance.owner = owner

    def clean_text(self):
        """Return the text with its lines as we keep them."""
        return self.cleaned_data["text"].replace("\r\n", "\n")

    def _get_validation_exclusions(self):
        return super()._get_validation_exclusions() - {"owner"}


class KeptResultForm(forms.Form):
    """Where the answer of a query is kept, and what it is called there."""

    project = forms.ModelChoiceField(Project.objects.none(), empty_label=None)
    name = name_field("Name of the table", "Small letters, digits and _, as it stands in a query.")
    title = forms.CharField(max_length=200, required=False)

    def __init__(self, *args, projects, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["project"].queryset = projects
