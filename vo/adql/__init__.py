class AdqlError(Exception):
    pass


def translate(*a, **k):
    raise AdqlError
