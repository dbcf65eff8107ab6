"""Signing in and out, passwords, and tokens for programs."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from knox.auth import TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed

from portal.accounts.models import Token
from portal.accounts.tokens import create_token, living_tokens, revoke_token


def authenticate(secret):
    return TokenAuthentication().authenticate_credentials(secret.encode())[0]


def test_signing_in_and_out(client, reader):
    answer = client.post(reverse("login"), {"username": "reader", "password": "reader"})
    assert answer.url == "/"
    assert client.get("/").status_code == 200

    assert client.post(reverse("logout")).url == reverse("login")
    assert client.get("/").status_code == 302


def test_a_wrong_password_keeps_what_was_typed(client, reader):
    page = client.post(reverse("login"), {"username": "reader", "password": "x"}).content.decode()

    assert 'value="reader"' in page
    assert "correct username and password" in page
    assert "wait 5 minutes" in page


def test_signing_in_does_not_lead_to_other_sites(client, reader):
    answer = client.post(
        reverse("login"), {"username": "reader", "password": "reader", "next": "https://evil.example/"}
    )

    assert answer.url == "/"


def test_changing_the_password(client, reader):
    client.force_login(reader)
    words = {
        "old_password": "reader",
        "new_password1": "two-columns-left",
        "new_password2": "two-columns-left",
    }

    assert client.post(reverse("password_change"), words).url == reverse("profile")
    reader.refresh_from_db()
    assert reader.check_password("two-columns-left")


def test_another_password_ends_the_sessions_elsewhere_and_revokes_the_tokens(client, reader, collaborator):
    elsewhere = Client()
    elsewhere.force_login(reader)
    client.force_login(reader)
    _, secret = create_token(reader, "laptop")
    create_token(collaborator, "theirs")
    words = {
        "old_password": "reader",
        "new_password1": "two-columns-left",
        "new_password2": "two-columns-left",
    }

    client.post(reverse("password_change"), words)

    assert client.get("/").status_code == 200
    assert elsewhere.get("/").status_code == 302
    with pytest.raises(AuthenticationFailed):
        authenticate(secret)
    assert [token.name for token in Token.objects.all()] == ["theirs"]


def test_a_curator_who_sets_a_password_revokes_the_tokens_too(admin_client, reader):
    create_token(reader, "laptop")
    words = {"password1": "two-columns-left", "password2": "two-columns-left", "usable_password": "true"}

    answer = admin_client.post(reverse("admin:auth_user_password_change", args=[reader.pk]), words)

    assert answer.status_code == 302
    assert not Token.objects.exists()


def test_signing_in_and_a_changed_name_leave_the_tokens(client, reader):
    create_token(reader, "laptop")

    client.post(reverse("login"), {"username": "reader", "password": "reader"})
    client.post(reverse("profile"), {"first_name": "Rea"})

    assert Token.objects.get().name == "laptop"


def test_a_password_that_is_too_simple_is_refused_where_it_is_typed(client, reader):
    client.force_login(reader)
    words = {"old_password": "reader", "new_password1": "short", "new_password2": "short"}

    form = client.post(reverse("password_change"), words).context["form"]

    assert "too short" in str(form.errors["new_password1"])
    assert "new_password2" not in form.errors


def test_the_profile_is_changed_by_its_owner_only(client, reader):
    client.force_login(reader)

    client.post(
        reverse("profile"), {"first_name": "Rea", "last_name": "Der", "email": "", "is_superuser": "on"}
    )

    reader.refresh_from_db()
    assert (reader.get_full_name(), reader.is_superuser) == ("Rea Der", False)


def test_a_refused_profile_keeps_what_was_typed(client, reader):
    client.force_login(reader)

    page = client.post(reverse("profile"), {"first_name": "Rea", "email": "nonsense"}).content.decode()

    assert 'value="nonsense"' in page
    reader.refresh_from_db()
    assert reader.first_name == ""


def test_the_secret_of_a_token_is_shown_once_and_opens_the_door(client, reader):
    client.force_login(reader)

    answer = client.post(reverse("new-token"), {"name": "laptop", "lifetime": "30"})

    secret = answer.context["secret"]
    assert secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert authenticate(secret) == reader
    page = client.get(reverse("profile")).content.decode()
    assert "laptop" in page
    assert secret not in page


def test_a_token_needs_a_name(client, reader):
    client.force_login(reader)

    answer = client.post(reverse("new-token"), {"name": "", "lifetime": "30"})

    assert answer.context["token_form"].errors
    assert not Token.objects.exists()


@pytest.mark.parametrize(("lifetime", "days"), [("30", 30), ("", None)])
def test_a_token_lives_as_long_as_was_said(client, reader, lifetime, days):
    client.force_login(reader)

    client.post(reverse("new-token"), {"name": "laptop", "lifetime": lifetime})

    token = Token.objects.get()
    lived = token.expiry and round((token.expiry - token.created) / timedelta(days=1))
    assert lived == days


def test_an_expired_token_opens_nothing_and_is_not_listed(reader):
    _, secret = create_token(reader, "old", timedelta(seconds=-1))

    assert not living_tokens(reader)
    with pytest.raises(AuthenticationFailed):
        authenticate(secret)


def test_a_revoked_token_opens_nothing(client, reader):
    token, secret = create_token(reader, "laptop")
    client.force_login(reader)

    client.post(reverse("revoke-token", args=[token.short_digest]))

    with pytest.raises(AuthenticationFailed):
        authenticate(secret)


def test_nobody_revokes_the_token_of_another(client, reader, stranger):
    token, _ = create_token(reader, "laptop")
    client.force_login(stranger)

    assert client.post(reverse("revoke-token", args=[token.short_digest])).status_code == 404
    assert revoke_token(stranger, token.short_digest) is None
    assert Token.objects.count() == 1


@pytest.mark.parametrize("name", ["profile", "password_change", "new-token"])
def test_an_account_is_nobody_elses_business(client, db, name):
    assert client.post(reverse(name)).url.startswith(reverse("login"))
