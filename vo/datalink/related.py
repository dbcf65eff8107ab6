"""Published files that others were made from, or that were made from them, as runs recorded it."""

from collections import defaultdict
from dataclasses import dataclass, field

from pipelines.fingerprints import digest_of
from pipelines.models import Run
from provenance.models import Entity, Generated, Used
from vo.models import FrozenRun, PublishedProduct

MOST = 100  # of one kind, for one file; the table itself tells of more


@dataclass
class Related:
    """What goes with a file: those it was made from, those made from it, those made with it, and others of its row."""

    progenitors: list = field(default_factory=list)
    derivations: list = field(default_factory=list)
    siblings: list = field(default_factory=list)
    others: list = field(default_factory=list)


def related_to(products, user):
    """Return for each file, by its id, what goes with it and this user may see.

    Files of the same row count as they were published with it; those of other tables as their newest version has them.
    Half a dozen queries, however many files are asked about.
    """
    own_runs, made, used = _runs(products)
    hashes = {
        value for run in {**made, **used}.values() for value in (*_hashes(run.inputs), *_hashes(run.outputs))
    }
    mates = _by_row(products)
    elsewhere = defaultdict(list)
    newest = PublishedProduct.objects.newest_visible_to(user)
    for product in newest.filter(sha256__in=hashes).select_related("version__publication").order_by("did"):
        elsewhere[product.sha256].append(product)
    return {
        product.pk: _related(
            product, mates, elsewhere, _runs_of(product, own_runs[_row(product)], made, used)
        )
        for product in products
    }


def _related(product, mates, elsewhere, runs):
    found, seen = Related(), {product.pk}
    row = [mate for mate in mates[_row(product)] if mate.pk != product.pk]

    def add(to, hashes):
        for sha256 in sorted(hashes - {product.sha256}):
            here = [mate for mate in row if mate.sha256 == sha256]
            for one in here or elsewhere.get(sha256, ()):
                if one.pk not in seen and len(to) < MOST:
                    seen.add(one.pk)
                    to.append(one)

    sha256 = product.sha256
    makers = [run for run in runs if sha256 in _hashes(run.outputs)]
    for run in makers:
        add(found.progenitors, _hashes(run.inputs))
    for run in runs:
        if sha256 in _hashes(run.inputs):
            add(found.derivations, _hashes(run.outputs))
    together = {value for run in makers for value in _hashes(run.outputs)}
    for mate in row:
        if mate.pk not in seen:
            (found.siblings if mate.sha256 in together else found.others).append(mate)
    return found


def _runs(products):
    """Return the runs of the rows of these files, and all those that made or used the same files anywhere."""
    rows = {_row(product) for product in products}
    frozen = FrozenRun.objects.filter(
        version_id__in={version for version, _ in rows}, row_id__in={row for _, row in rows}
    ).values_list("version_id", "row_id", "run_id")
    of_rows = [(version, row, run) for version, row, run in frozen if (version, row) in rows]
    digests = {digest_of("product", product.sha256) for product in products}
    entities = set(
        Entity.objects.filter(kind=Entity.Kind.FILE, digest__in=digests).values_list("pk", flat=True)
    )
    making = set(Generated.objects.filter(entity__in=entities).values_list("run_id", flat=True))
    using = set(Used.objects.filter(entity__in=entities).values_list("run_id", flat=True))
    wanted = making | using | {run for _, _, run in of_rows}
    known = {run.pk: run for run in Run.objects.filter(pk__in=wanted).only("pk", "inputs", "outputs")}
    own = defaultdict(list)
    for version, row, run in of_rows:
        if run in known:
            own[version, row].append(known[run])
    made = {pk: known[pk] for pk in sorted(making | {run for _, _, run in of_rows}) if pk in known}
    return own, made, {pk: known[pk] for pk in sorted(using) if pk in known}


def _runs_of(product, own, made, used):
    """Return the runs that made and used a file: those of its row, and where no run of its row made it, of others.

    Files are known by their bytes, and two rows may have come to the same ones.
    """
    sha256 = product.sha256
    runs = list(own)
    if not any(sha256 in _hashes(run.outputs) for run in own):
        runs += [run for run in made.values() if sha256 in _hashes(run.outputs)]
    return runs + [run for run in used.values() if sha256 in _hashes(run.inputs)]


def _by_row(products):
    rows = {_row(product) for product in products}
    mates = defaultdict(list)
    found = PublishedProduct.objects.filter(
        version_id__in={version for version, _ in rows}, row_id__in={row for _, row in rows}
    )
    for mate in found.select_related("version__publication").order_by("row_id", "pk"):
        mates[_row(mate)].append(mate)
    return mates


def _row(product):
    return product.version_id, product.row_id


def _hashes(values):
    """Return what among the values of a run are files."""
    return {value for value in values.values() if isinstance(value, str) and len(value) == 64}
