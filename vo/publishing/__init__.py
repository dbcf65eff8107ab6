"""Publishing: rows as they are at one moment, copied to where nothing changes them any more."""
