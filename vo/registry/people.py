"""What people have said of their tables in a line, in the parts that a record has for it."""

import re

from django.conf import settings

ADDRESS = re.compile(r"[^\s<>(),;:]+@[^\s<>(),;:@]+\.[^\s<>(),;:@]+")
LICENCE = re.compile(r"\bCC[ -](BY(?:-NC)?(?:-SA|-ND)?)[ -](\d\.\d)\b", re.IGNORECASE)
PUBLIC_DOMAIN = re.compile(r"\bCC[ -]?0\b", re.IGNORECASE)
NOBODY = "nobody@stoa.invalid"  # OAI wants an address; this one says that there is none


def contact_in(text):
    """Return the name and the address in something like ``A. Stronomer <a@example.org>``."""
    found = ADDRESS.search(text)
    if not found:
        return {"name": text, "email": ""}
    name = f"{text[: found.start()]} {text[found.end() :]}"
    return {"name": " ".join(name.split()).strip(" <>(),;:") or found[0], "email": found[0]}


def creators_in(text):
    """Return who made it, one after the other; semicolons part them."""
    return [name.strip() for name in text.split(";") if name.strip()]


def licence_in(text):
    """Return the address of the licence that a text names, or nothing."""
    if found := LICENCE.search(text):
        return f"https://creativecommons.org/licenses/{found[1].lower()}/{found[2]}/"
    if PUBLIC_DOMAIN.search(text):
        return "https://creativecommons.org/publicdomain/zero/1.0/"
    return ""


def operators():
    """Return who answers for the portal, as its settings say."""
    said = contact_in(settings.VO["CONTACT"])
    return {
        "name": settings.VO["ORGANISATION"],
        "page": settings.VO["ORGANISATION_PAGE"],
        "contact": {"name": said["name"] or settings.VO["ORGANISATION"], "email": said["email"]},
        "email": said["email"] or NOBODY,
    }
