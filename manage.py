#!/usr/bin/env python3
"""Django's door to the portal; ``stoa`` is the same door with the services behind it."""

import os
import sys

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)
