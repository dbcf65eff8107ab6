"""`ivoa.obscore`: the images and cubes of what is published, as ObsCore 1.1 describes observations.

It is no table of its own but a subquery over the files of published rows, written for whoever asks: it holds the
newest version of each published table that they may see, and nothing else.
"""

from django.conf import settings
from django.db import connection
from django.urls import reverse

from vo.adql.tables import WITHIN, Column, Position, Table
from vo.models import PublishedProduct
from vo.publishing.storage import PRODUCTS_SKY

SCHEMA, NAME = "ivoa", "obscore"
POSITION = ("s_ra", "s_dec")
UTYPE = "ivo://ivoa.net/std/ObsCore#table-1.1"
DATALINK = "application/x-votable+xml;content=datalink"

AXES = {
    "position": "Char.SpatialAxis.Coverage.Location.Coord.Position2D.Value2",
    "space": "Char.SpatialAxis",
    "time": "Char.TimeAxis",
    "spectrum": "Char.SpectralAxis",
    "polarization": "Char.PolarizationAxis",
    "observable": "Char.ObservableAxis",
}
# Name, kind, unit, UCD, utype and meaning of the columns, as ObsCore 1.1 has them (tables 1 and 5, section C).
COLUMNS = (
    ("dataproduct_type", "text", "", "meta.code.class", "ObsDataset.dataProductType", "image or cube"),
    ("calib_level", "int", "", "meta.code;obs.calib", "ObsDataset.calibLevel", "how far it is calibrated, 0 to 4"),
    ("obs_collection", "text", "", "meta.id", "DataID.Collection", "published table it is in"),
    ("obs_id", "text", "", "meta.id", "DataID.observationID", "published table and row; files of a row share it"),
    ("obs_publisher_did", "text", "", "meta.ref.ivoid", "Curation.PublisherDID", "identifier of the file"),
    ("access_url", "text", "", "meta.ref.url", "Access.Reference", "address of its links"),
    ("access_format", "text", "", "meta.code.mime", "Access.Format", "media type of what is at access_url"),
    ("access_estsize", "int", "kbyte", "phys.size;meta.file", "Access.Size", "size of the file"),
    ("target_name", "text", "", "meta.id;src", "Target.Name", "object, as the header has it"),
    ("s_ra", "float", "deg", "pos.eq.ra", "position.C1", "right ascension of the centre (ICRS)"),
    ("s_dec", "float", "deg", "pos.eq.dec", "position.C2", "declination of the centre (ICRS)"),
    ("s_fov", "float", "deg", "phys.angSize;instr.fov", "space.Coverage.Bounds.Extent.diameter", "diameter"),
    ("s_region", "region", "", "pos.outline;obs.field", "space.Coverage.Support.Area", "its outline on the sky (ICRS)"),
    ("s_xel1", "int", "", "meta.number", "space.numBins1", "pixels along right ascension"),
    ("s_xel2", "int", "", "meta.number", "space.numBins2", "pixels along declination"),
    ("s_resolution", "float", "arcsec", "pos.angResolution", "space.Resolution.Refval.value", "width of the beam"),
    ("s_pixel_scale", "float", "arcsec", "phys.angSize;instr.pixel", "space.Sampling.RefVal.SamplingPeriod", "pixel"),
    ("t_min", "float", "d", "time.start;obs.exposure", "time.Coverage.Bounds.Limits.StartTime", "start (MJD)"),
    ("t_max", "float", "d", "time.end;obs.exposure", "time.Coverage.Bounds.Limits.StopTime", "end (MJD)"),
    ("t_exptime", "float", "s", "time.duration;obs.exposure", "time.Coverage.Support.Extent", "exposure"),
    ("t_resolution", "float", "s", "time.resolution", "time.Resolution.Refval.value", "resolution in time"),
    ("t_xel", "int", "", "meta.number", "time.numBins", "elements along time"),
    ("em_min", "float", "m", "em.wl;stat.min", "spectrum.Coverage.Bounds.Limits.LoLimit", "shortest wavelength"),
    ("em_max", "float", "m", "em.wl;stat.max", "spectrum.Coverage.Bounds.Limits.HiLimit", "longest wavelength"),
    ("em_res_power", "float", "", "spect.resolution", "spectrum.Resolution.ResolPower.refVal", "resolving power"),
    ("em_xel", "int", "", "meta.number", "spectrum.numBins", "channels"),
    ("o_ucd", "text", "", "meta.ucd", "observable.ucd", "what the pixels measure"),
    ("pol_states", "text", "", "meta.code;phys.polarization", "polarization.stateList", "polarizations"),
    ("pol_xel", "int", "", "meta.number", "polarization.numBins", "polarizations, how many"),
    ("facility_name", "text", "", "meta.id;instr.tel", "Provenance.ObsConfig.facility.name", "telescope"),
    ("instrument_name", "text", "", "meta.id;instr", "Provenance.ObsConfig.instrument.name", "instrument"),
)  # fmt: skip
PRINCIPAL = {
    "dataproduct_type", "obs_collection", "obs_publisher_did", "access_url", "access_format", "target_name", "s_ra",
    "s_dec", "s_fov", "s_resolution", "t_min", "t_max", "em_min", "em_max", "facility_name",
}  # fmt: skip


def obscore_table(version_ids, base=""):
    """Return `ivoa.obscore` over these versions.

    Parameters
    ----------
    version_ids : iterable of int
        The newest version of each published table that somebody may see.
    base : str
        Address of the portal as that person reaches it, without a stroke at the end.
    """
    table = physical_table()
    return Table(
        SCHEMA,
        NAME,
        f"(SELECT {_selected(base)} FROM {table} WHERE {_visible(version_ids)}{WITHIN}{fence()})",
        tuple(
            Column(
                name,
                kind,
                unit,
                ucd,
                about,
                _utype(utype),
                xtype="adql:REGION" if kind == "region" else "",
                principal=name in PRINCIPAL,
                indexed=name in POSITION,
                std=True,
            )
            for name, kind, unit, ucd, utype, about in COLUMNS
        ),
        positions=(Position(*POSITION, PRODUCTS_SKY),),
        title="ObsCore",
        description="Images and cubes of the published tables, as ObsCore 1.1 describes observations",
        utype=UTYPE,
        reads=frozenset({PublishedProduct._meta.db_table}),
    )


def _utype(short):
    axis, _, rest = short.partition(".")
    return f"obscore:{AXES.get(axis, axis)}.{rest}"


def physical_table():
    """Return the name of the table that has the files; with its schema, for the reader knows of none."""
    table = PublishedProduct._meta.db_table
    return f"public.{table}" if connection.vendor == "postgresql" else table


def publisher_did(product):
    """Return the identifier of a file."""
    return f"{did_prefix()}{product.did}"


def did_prefix():
    """Return how all our identifiers begin."""
    return f"ivo://{settings.STOA_AUTHORITY}/"


def links_address(base):
    """Return where the links of a file are, but for what stands in its identifier after the authority.

    All its characters stand for themselves there: a question mark may occur after the first (RFC 3986, section 3.4).
    """
    return f"{base}{reverse('datalink-links')}?ID={did_prefix()}"


def fence():
    """Return what keeps the conditions of a query out of the subquery, but for places near a constant one.

    PostgreSQL would try them in the order of their cost, so that one which fails for some value of a hidden row would
    tell of it.
    """
    return " OFFSET 0" if connection.vendor == "postgresql" else ""


def _selected(base):
    computed = {
        "obs_publisher_did": f"{_text(did_prefix())} || did",
        "access_url": f"{_text(links_address(base))} || did",
        "access_format": _text(DATALINK),
        "access_estsize": "(size + 999) / 1000",
    }
    return ", ".join(f"{computed[name]} AS {name}" if name in computed else name for name, *_ in COLUMNS)


def _visible(version_ids):
    kinds = ", ".join(map(_text, PublishedProduct.IN_OBSCORE))
    ids = ", ".join(str(int(one)) for one in version_ids)
    return f"version_id IN ({ids or 'NULL'}) AND dataproduct_type IN ({kinds})"


def _text(value):
    cast = "::text" if connection.vendor == "postgresql" else ""
    return "'" + value.replace("'", "''") + "'" + cast
