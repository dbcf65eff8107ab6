"""The door of programs to one's own account: who am I, and tokens."""

from datetime import timedelta

from django.contrib.auth import authenticate
from django.contrib.auth.models import update_last_login
from django.http import Http404
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from portal.accounts.tokens import create_token, living_tokens, revoke_token


class AccountSerializer(serializers.Serializer):
    """Who is asking."""

    username = serializers.CharField()
    first_name = serializers.CharField()
    last_name = serializers.CharField()
    email = serializers.EmailField()


class TokenSerializer(serializers.Serializer):
    """A token, as its owner may know it."""

    name = serializers.CharField()
    digest = serializers.CharField(source="short_digest", help_text="by which it is revoked")
    created = serializers.DateTimeField()
    expiry = serializers.DateTimeField(allow_null=True)


class NewTokenSerializer(serializers.Serializer):
    """What a token is made of."""

    name = serializers.CharField(max_length=100, help_text="which program will use it")
    days = serializers.IntegerField(
        min_value=1,
        max_value=3650,
        required=False,
        allow_null=True,
        help_text="until it ends; null is for ever",
    )


class LoginSerializer(NewTokenSerializer):
    """The same, with the password instead of a session."""

    name = serializers.CharField(max_length=100, required=False, default="signed in by password")
    username = serializers.CharField()
    password = serializers.CharField(trim_whitespace=False)


class SecretSerializer(TokenSerializer):
    """A new token with its secret, which is shown this once."""

    token = serializers.CharField()


class PasswordThrottle(SimpleRateThrottle):
    """Somebody who tries passwords is slowed down."""

    scope = "login"
    rate = "30/min"

    def get_cache_key(self, request, view):
        """Count by address."""
        return self.cache_format % {"scope": self.scope, "ident": self.get_ident(request)}


class AccountView(APIView):
    """One's own account."""

    @extend_schema(operation_id="account_retrieve", responses=AccountSerializer)
    def get(self, request):
        """Say who is asking."""
        return Response(AccountSerializer(request.user).data)


class TokensView(APIView):
    """One's own tokens."""

    @extend_schema(operation_id="tokens_list", responses=TokenSerializer(many=True))
    def get(self, request):
        """List those that open doors today."""
        return Response(TokenSerializer(living_tokens(request.user), many=True).data)

    @extend_schema(
        operation_id="tokens_create", request=NewTokenSerializer, responses={201: SecretSerializer}
    )
    def post(self, request):
        """Make one; its secret is in this answer and nowhere else."""
        new = NewTokenSerializer(data=request.data)
        new.is_valid(raise_exception=True)
        return answer_with_token(request.user, new.validated_data)


class LoginView(APIView):
    """Signing in without a session: a token for a password."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = [PasswordThrottle]

    @extend_schema(
        operation_id="tokens_login", request=LoginSerializer, responses={201: SecretSerializer}, auth=[]
    )
    def post(self, request):
        """Give a token to who knows the password."""
        asked = LoginSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        facts = asked.validated_data
        user = authenticate(request, username=facts["username"], password=facts["password"])
        if user is None:
            raise AuthenticationFailed("The user name and the password do not belong together.")
        update_last_login(None, user)
        return answer_with_token(user, facts)

    def get_authenticate_header(self, request):
        """Say that it is about who one is: 401, not 403."""
        return "Token"


class TokenView(APIView):
    """One of one's own tokens."""

    @extend_schema(operation_id="tokens_revoke", request=None, responses={204: None})
    def delete(self, request, digest):
        """Make it useless at once."""
        if revoke_token(request.user, digest) is None:
            raise Http404
        return Response(status=status.HTTP_204_NO_CONTENT)


def answer_with_token(user, facts):
    """Make a token and answer with its secret, which no cache may keep."""
    days = facts.get("days")
    token, secret = create_token(user, facts["name"], timedelta(days=days) if days else None)
    document = TokenSerializer(token).data | {"token": secret}
    return Response(document, status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})
