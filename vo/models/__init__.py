"""What the Virtual Observatory sees of the portal, as it is kept."""

from vo.models.jobs import Job
from vo.models.products import PublishedProduct
from vo.models.publications import FrozenRun, Publication, PublishedVersion, Scope
from vo.models.queries import PastQuery, SavedQuery
from vo.models.registry import ServiceRecord

__all__ = [
    "FrozenRun",
    "Job",
    "PastQuery",
    "Publication",
    "PublishedProduct",
    "PublishedVersion",
    "SavedQuery",
    "Scope",
    "ServiceRecord",
]
