"""What people type about themselves and their tokens."""

from datetime import timedelta

from django import forms
from django.contrib.auth import get_user_model
from django.contrib.auth.forms import AuthenticationForm, PasswordChangeForm

from portal.accounts.guarding import SECONDS, WRONG_AT_MOST


class SignInForm(AuthenticationForm):
    """Django's, which says what to do when no password is taken any more."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "Please enter a correct username and password; upper and lower case differ. "
        f"After {WRONG_AT_MOST} wrong ones, wait {SECONDS // 60} minutes.",
    }


class PasswordForm(PasswordChangeForm):
    """Django's, which complains of a password where it is typed first."""

    def validate_password_for_user(self, user, password_field_name=""):
        """Say what is wrong with the new password under it, not under its repetition."""
        super().validate_password_for_user(user, "new_password1")


class ProfileForm(forms.ModelForm):
    """How others see a person's name, and where mail goes."""

    class Meta:
        model = get_user_model()
        fields = ["first_name", "last_name", "email"]


class TokenForm(forms.Form):
    """A token that does not exist yet."""

    LIFETIMES = [("30", "30 days"), ("90", "90 days"), ("365", "a year"), ("", "until it is revoked")]

    name = forms.CharField(
        max_length=100, help_text="Which program or machine will use it, as in “laptop” or “nightly import”."
    )
    lifetime = forms.ChoiceField(label="Valid for", choices=LIFETIMES, required=False, initial="90")

    def clean_lifetime(self):
        """Return the lifetime as a span of time, or None for ever."""
        days = self.cleaned_data["lifetime"]
        return timedelta(days=int(days)) if days else None
