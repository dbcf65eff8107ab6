"""Files of published rows, with what ObsCore says of them."""

from django.db import models

from vo.models.publications import PublishedVersion
from vo.querysets import PublishedProductQuerySet


class PublishedProduct(models.Model):
    """A file in a cell of a published row: an image, a cube, a list of items, or anything else.

    What ObsCore says of it was read from its header when it was published. Images and cubes are rows of
    `ivoa.obscore`.
    """

    IN_OBSCORE = ("image", "cube")

    version = models.ForeignKey(PublishedVersion, models.CASCADE, related_name="products")
    row_id = models.BigIntegerField()
    column = models.CharField(max_length=63)
    sha256 = models.CharField(max_length=64, db_index=True)
    name = models.CharField(max_length=255, help_text="of the file, as its project calls it")
    media_type = models.CharField(max_length=100)
    size = models.BigIntegerField(help_text="in bytes")
    is_catalogue = models.BooleanField(default=False)

    obs_collection = models.CharField(max_length=127)
    obs_id = models.CharField(max_length=160)
    did = models.CharField(
        max_length=230, unique=True, help_text="its publisher's identifier, after ivo://authority/"
    )

    dataproduct_type = models.CharField(max_length=16, null=True)  # noqa: DJ001 - here and below ObsCore's nulls
    calib_level = models.SmallIntegerField(default=2)
    target_name = models.CharField(max_length=80, null=True)  # noqa: DJ001
    s_ra = models.FloatField(null=True)
    s_dec = models.FloatField(null=True)
    s_fov = models.FloatField(null=True)
    s_region = models.TextField(null=True)  # noqa: DJ001
    s_resolution = models.FloatField(null=True)
    s_pixel_scale = models.FloatField(null=True)
    s_xel1 = models.BigIntegerField(null=True)
    s_xel2 = models.BigIntegerField(null=True)
    t_min = models.FloatField(null=True)
    t_max = models.FloatField(null=True)
    t_exptime = models.FloatField(null=True)
    t_resolution = models.FloatField(null=True)
    t_xel = models.BigIntegerField(null=True)
    em_min = models.FloatField(null=True)
    em_max = models.FloatField(null=True)
    em_res_power = models.FloatField(null=True)
    em_xel = models.BigIntegerField(null=True)
    o_ucd = models.CharField(max_length=80, null=True)  # noqa: DJ001
    pol_states = models.CharField(max_length=80, null=True)  # noqa: DJ001
    pol_xel = models.BigIntegerField(null=True)
    facility_name = models.CharField(max_length=80, null=True)  # noqa: DJ001
    instrument_name = models.CharField(max_length=80, null=True)  # noqa: DJ001

    objects = PublishedProductQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint("version", "row_id", "column", name="published_product_once"),
        ]

    def __str__(self):
        return self.did

    @property
    def is_image(self):
        """Whether it is a row of `ivoa.obscore`."""
        return self.dataproduct_type in self.IN_OBSCORE
