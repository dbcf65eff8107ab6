"""What no address may hold, refused before anybody looks for it."""

from django.utils.deprecation import MiddlewareMixin

from portal.errors import answer


class WithoutNul(MiddlewareMixin):
    """Refuses an address with a NUL in it: no name and no text has one, and PostgreSQL does not even compare it."""

    def process_request(self, request):
        """Answer such a request."""
        if "\0" in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            detail = "The address holds a NUL (%00), which nothing here is called; leave it out."
            return answer(request, 400, "nul-in-address", detail)
        return None
