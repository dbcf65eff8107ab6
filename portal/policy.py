"""What a browser may load and run on our pages: what we send as a file, and nothing that somebody typed."""

from django.conf import settings
from django.utils.deprecation import MiddlewareMixin

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


class ContentSecurityPolicy(MiddlewareMixin):
    """Sends the policy with every answer; a text that became markup by mistake then stays without effect."""

    def process_response(self, request, response):
        """Add the header; Django's page for developers has its styles inside and goes without."""
        if not (settings.DEBUG and response.status_code in (404, 500)):
            response.headers.setdefault("Content-Security-Policy", POLICY)
        return response
