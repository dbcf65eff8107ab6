"""Published files that others were made from, or that were made from them, as runs recorded it."""

import functools
import operator
from collections import defaultdict
from dataclasses import dataclass, field

from django.db.models import Min, Q

from pipelines.models import Run
from provenance.models import Generated, Used
from vo.datalink.lineage import any_runs, published_runs
from vo.models import FrozenRun, PublishedProduct, PublishedVersion

MOST = 100  # of one kind, for one file
MOST_OF_ALL = 5_000  # runs that are read, for all files that are asked about together
COUNTED = 10_000  # runs that are counted for one file, if it is asked about alone
FEW = 5  # runs that made a file elsewhere: they say the same of where it came from


@dataclass
class Related:
    """What goes with a file: those it was made from, those made from it, those made with it, and others of its row.

    `left_out` says of how many more rows files were made from it; if `at_least`, there may be more.
    """

    progenitors: list = field(default_factory=list)
    derivations: list = field(default_factory=list)
    siblings: list = field(default_factory=list)
    others: list = field(default_factory=list)
    left_out: int = 0
    at_least: bool = False


def related_to(products, user):
    """Return for each file, by its id, what goes with it and this user may see.

    Files of the same row count as they were published with it; those of other tables as their newest version has them.
    A dozen queries and a few thousand runs, however many files are asked about and however often they were used.
    """
    if not products:
        return {}
    newest = list(PublishedVersion.objects.visible_to(user).newest().values_list("pk", flat=True))
    known = Known(products, newest)
    return {product.pk: known.related_to(product) for product in products}


class Known:
    """What has to be known to say what goes with some files."""

    def __init__(self, products, newest):
        rows = {_row(product) for product in products}
        own = [
            (version, row, run)
            for version, row, run in FrozenRun.objects.filter(
                _in_rows(rows, "version_id", "row_id")
            ).values_list("version_id", "row_id", "run_id")
        ]
        self.runs = _runs_by_id({run for *_, run in own})
        self.own = defaultdict(list)
        for version, row, run in sorted(own):
            if run in self.runs:
                self.own[version, row].append(self.runs[run])

        orphans = [product for product in products if not self.makers_in_its_row(product)]
        n = len(products)
        self.shown = max(FEW, min(MOST, MOST_OF_ALL // n))
        looked = max(self.shown + 1, min(COUNTED, 2 * MOST_OF_ALL // n))
        makers = published_runs(Generated, orphans, newest, FEW)
        unpublished_makers = any_runs(Generated, [one for one in orphans if one.pk not in makers], FEW)
        users = published_runs(Used, products, newest, looked)
        unpublished_users = any_runs(Used, [one for one in products if one.pk not in users], FEW)

        self.users, self.rest, self.at_least = {}, {}, {}
        for product in products:
            found = sorted({one for one in users[product.pk] if one[:2] != _row(product)})
            self.users[product.pk] = found[: self.shown]
            self.rest[product.pk] = {one[:2] for one in found[self.shown :]}
            self.at_least[product.pk] = len(users[product.pk]) == looked
        self.elsewhere = {
            product.pk: [run for *_, run in unpublished_users[product.pk]] for product in products
        }
        self.makers = {
            product.pk: [run for *_, run in (*makers[product.pk], *unpublished_makers[product.pk])]
            for product in products
        }
        wanted = {run for one in self.users.values() for *_, run in one}
        wanted.update(*self.makers.values(), *self.elsewhere.values())
        self.runs |= _runs_by_id(wanted - self.runs.keys())
        self.mates = _by_row(rows | {one[:2] for found in self.users.values() for one in found})
        self.published = _one_of_each(self._hashes_elsewhere(products), newest)

    def makers_in_its_row(self, product):
        """Return the runs of its row that made a file."""
        return [run for run in self.own[_row(product)] if product.sha256 in _hashes(run.outputs)]

    def _hashes_elsewhere(self, products):
        """Return the hashes of files that may be published in other rows than we know of."""
        found = set()
        for product in products:
            for run in self.makers_in_its_row(product) or self._runs(self.makers[product.pk]):
                found |= _hashes(run.inputs)
            for run in self._runs(self.elsewhere[product.pk]):
                found |= _hashes(run.outputs)
        return found

    def _runs(self, ids):
        return [self.runs[run] for run in sorted(ids) if run in self.runs]

    def related_to(self, product):
        """Return what goes with one file."""
        found, seen, left_out = Related(), {product.pk}, set(self.rest[product.pk])
        row = [mate for mate in self.mates[_row(product)] if mate.pk != product.pk]

        def add(to, hashes, places):
            for sha256 in sorted(hashes - {product.sha256}):
                here = [mate for mate in places if mate.sha256 == sha256]
                for one in here or self.published.get(sha256, ()):
                    if one.pk not in seen and len(to) < MOST:
                        seen.add(one.pk)
                        to.append(one)

        makers = self.makers_in_its_row(product)
        for run in makers or self._runs(self.makers[product.pk]):
            add(found.progenitors, _hashes(run.inputs), row)
        for run in self.own[_row(product)]:
            if product.sha256 in _hashes(run.inputs):
                add(found.derivations, _hashes(run.outputs), row)
        for version, row_id, run in self.users[product.pk]:
            if len(found.derivations) == MOST:
                left_out.add((version, row_id))
            elif run in self.runs:
                add(found.derivations, _hashes(self.runs[run].outputs), self.mates[version, row_id])
        for run in self._runs(self.elsewhere[product.pk]):
            add(found.derivations, _hashes(run.outputs), ())
        together = {value for run in makers for value in _hashes(run.outputs)}
        for mate in row:
            if mate.pk not in seen:
                (found.siblings if mate.sha256 in together else found.others).append(mate)
        found.left_out, found.at_least = len(left_out), self.at_least[product.pk]
        return found


def _runs_by_id(ids):
    return {run.pk: run for run in Run.objects.filter(pk__in=ids).only("pk", "inputs", "outputs")}


def _by_row(rows):
    """Return the files of rows."""
    mates = defaultdict(list)
    found = PublishedProduct.objects.filter(_in_rows(rows, "version_id", "row_id"))
    for mate in found.select_related("version__publication").order_by("row_id", "pk"):
        mates[_row(mate)].append(mate)
    return mates


def _one_of_each(hashes, version_ids):
    """Return of files, by their hash, one place in these versions where each was published, as a list of one."""
    published = PublishedProduct.objects.filter(version_id__in=version_ids)
    firsts = published.filter(sha256__in=hashes).values("sha256").annotate(first=Min("pk"))
    found = PublishedProduct.objects.filter(pk__in=firsts.values_list("first", flat=True))
    return {one.sha256: [one] for one in found.select_related("version__publication")}


def _in_rows(rows, version, row):
    """Return the condition to belong to one of these rows of versions."""
    by_version = defaultdict(list)
    for version_id, row_id in rows:
        by_version[version_id].append(row_id)
    conditions = [Q(**{version: one, f"{row}__in": ids}) for one, ids in by_version.items()]
    return functools.reduce(operator.or_, conditions, Q(pk__in=[]))


def _row(product):
    return product.version_id, product.row_id


def _hashes(values):
    """Return what among the values of a run are files."""
    return {value for value in values.values() if isinstance(value, str) and len(value) == 64}
