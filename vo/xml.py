"""What XML 1.0 can hold."""

import re

ILLEGAL = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def legal(text):
    """Return a text with a question mark where XML has no way to say the character."""
    return ILLEGAL.sub("?", text)
