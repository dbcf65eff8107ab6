"""Which times, wavelengths and parts of the sky the images of published tables cover, and what made them."""

from django.contrib.auth.models import AnonymousUser
from django.db.models import Max, Min
from django.db.models.functions import Coalesce

from vo.moc import read_moc, write_moc
from vo.models import PublishedProduct, PublishedVersion

HC = 1.98644586e-25  # J m
# Messengers as the vocabulary of the IVOA names them, each with its shortest wavelength in m, its word in UCDs, and its
# field in the Unified Astronomy Thesaurus.
WAVEBANDS = (
    ("Radio", 1e-2, "em.radio", "radio-astronomy"),
    ("Millimeter", 1e-4, "em.mm", "millimeter-astronomy"),
    ("Infrared", 1e-6, "em.ir", "infrared-astronomy"),
    ("Optical", 3e-7, "em.opt", "optical-astronomy"),
    ("UV", 1e-7, "em.uv", "ultraviolet-astronomy"),
    ("EUV", 1e-8, "", "ultraviolet-astronomy"),
    ("X-ray", 1e-11, "em.x-ray", "x-ray-astronomy"),
    ("Gamma-ray", 0.0, "em.gamma", "gamma-ray-astronomy"),
)
FIELDS = {name: field for name, _, _, field in WAVEBANDS}
EXTENT = {
    "t_least": Min("t_min"),
    "t_most": Max(Coalesce("t_max", "t_min")),
    "em_least": Min("em_min"),
    "em_most": Max("em_max"),
}


def coverage_of(versions):
    """Return what the images of each of these versions cover, {version id: facts}; in two queries."""
    products = PublishedProduct.objects.filter(
        version__in=versions, dataproduct_type__in=PublishedProduct.IN_OBSCORE
    )
    extents = products.order_by().values("version_id").annotate(**EXTENT)
    found = {one.pop("version_id"): coverage_from(one) for one in extents}
    makers = products.order_by("facility_name", "instrument_name")
    for version, facility, instrument in makers.values_list(
        "version_id", "facility_name", "instrument_name"
    ).distinct():
        add_makers(found[version], facility, instrument)
    return found


def coverage_of_images():
    """Return what all images cover that everybody may see, or None if there are none; in three queries."""
    versions = PublishedVersion.objects.visible_to(AnonymousUser()).newest().values("pk")
    images = PublishedProduct.objects.filter(
        version__in=versions, dataproduct_type__in=PublishedProduct.IN_OBSCORE
    )
    extent = images.aggregate(**EXTENT, n=Min("pk"))
    if extent.pop("n") is None:
        return None
    found = coverage_from(extent)
    makers = images.order_by("facility_name", "instrument_name")
    for facility, instrument in makers.values_list("facility_name", "instrument_name").distinct():
        add_makers(found, facility, instrument)
    measured = PublishedVersion.objects.filter(pk__in=versions, coverage__has_key="images")
    cells = set()
    for coverage in measured.order_by().values_list("coverage", flat=True):
        cells |= read_moc(coverage["images"])
    return found | {"spatial": write_moc(cells)}


def coverage_from(extent):
    """Return the facts of a record that follow from the least and greatest times and wavelengths."""
    found = {"temporal": "", "spectral": "", "wavebands": [], "facilities": [], "instruments": []}
    if extent["t_least"] is not None:
        found["temporal"] = f"{extent['t_least']!r} {extent['t_most']!r}"
    shortest, longest = extent["em_least"], extent["em_most"]
    if shortest and longest:
        found["spectral"] = f"{HC / longest:.6g} {HC / shortest:.6g}"
        found["wavebands"] = wavebands_between(shortest, longest)
    return found


def add_makers(facts, facility, instrument):
    """Add a telescope and an instrument, each once."""
    for name, said in (("facilities", facility), ("instruments", instrument)):
        if said and said not in facts[name]:
            facts[name].append(said)


def wavebands_between(shortest, longest):
    """Return in which wavebands an interval of wavelengths in m has a part."""
    found, upper = [], float("inf")
    for name, lower, _, _ in WAVEBANDS:
        if longest >= lower and shortest < upper:
            found.append(name)
        upper = lower
    return found


def wavebands_named(ucds):
    """Return the wavebands that UCDs speak of."""
    words = {word.strip().lower() for ucd in ucds for word in ucd.split(";")}
    return [
        name
        for name, _, known, _ in WAVEBANDS
        if known and any(word == known or word.startswith(f"{known}.") for word in words)
    ]
