"""What a browser may load and run on our pages: what we send as a file, and nothing that somebody typed."""

from django.conf import settings
from django.utils.deprecation import MiddlewareMixin

POLICY = "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
# Where SAMP has its hub for pages, on the computer of whoever looks at them; and which pages of ours send to it.
HUB = "http://127.0.0.1:21012"
SENDING = ("published-version", "query", "row", "worktable")


class ContentSecurityPolicy(MiddlewareMixin):
    """Sends the policy with every answer; a text that became markup by mistake then stays without effect."""

    def process_response(self, request, response):
        """Add the header; Django's page for developers has its styles inside and goes without."""
        if not (settings.DEBUG and response.status_code in (404, 500)):
            page = getattr(request.resolver_match, "url_name", None)
            policy = f"{POLICY}; connect-src 'self' {HUB}" if page in SENDING else POLICY
            response.headers.setdefault("Content-Security-Policy", policy)
        return response
