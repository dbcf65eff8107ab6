"""The HTML door to one's own account."""

from django.conf import settings
from django.contrib import messages
from django.contrib.auth import views
from django.contrib.auth.decorators import login_required
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from portal.accounts.forms import PasswordForm, ProfileForm, SignInForm, TokenForm
from portal.accounts.tokens import create_token, living_tokens, revoke_token


class SignIn(views.LoginView):
    """Says what Stoa is, and lets people in."""

    template_name = "accounts/login.html"
    authentication_form = SignInForm
    redirect_authenticated_user = True

    def get_context_data(self, **kwargs):
        return super().get_context_data(demo=settings.STOA_DEMO, **kwargs)


class PasswordChange(views.PasswordChangeView):
    """Another password; every other session of the account ends, and its tokens with them."""

    template_name = "accounts/password.html"
    form_class = PasswordForm
    success_url = reverse_lazy("profile")

    def form_valid(self, form):
        messages.success(
            self.request,
            "Your password is changed; sessions elsewhere and your tokens have ended.",
        )
        return super().form_valid(form)


@login_required
def profile(request):
    """Show and change what the portal knows about a person, and their tokens."""
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        form.save()
        messages.success(request, "Saved.")
        return redirect("profile")
    if form.errors:
        request.user.refresh_from_db()
    return profile_page(request, profile_form=form)


@login_required
@never_cache
@require_POST
def new_token(request):
    """Make a token; the answer to this request is the only place that shows its secret."""
    form = TokenForm(request.POST)
    if not form.is_valid():
        return profile_page(request, token_form=form)
    token, secret = create_token(request.user, form.cleaned_data["name"], form.cleaned_data["lifetime"])
    return profile_page(request, new_token=token, secret=secret)


@login_required
@require_POST
def revoke(request, digest):
    """Make one of one's tokens useless."""
    token = revoke_token(request.user, digest)
    if token is None:
        raise Http404
    messages.success(request, f"The token “{token}” opens nothing any more.")
    return redirect("profile")


def profile_page(request, **context):
    """Show the account; a form that was refused keeps what was typed."""
    forms = {"profile_form": ProfileForm(instance=request.user), "token_form": TokenForm()}
    return render(request, "accounts/profile.html", forms | context | {"tokens": living_tokens(request.user)})
