"""The steps that come with the portal, one file each; importing this package registers them."""

from pipelines.steps import beam, count, cutouts, products, sources

__all__ = ["beam", "count", "cutouts", "products", "sources"]
