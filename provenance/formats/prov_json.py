"""Lineage as W3C PROV-JSON. Pure."""

from provenance.graph import Lineage

PREFIXES = {"prov": "http://www.w3.org/ns/prov#", "xsd": "http://www.w3.org/2001/XMLSchema#"}


def as_prov_json(lineage: Lineage, base: str) -> dict:
    """Return the lineage as a PROV-JSON document.

    Parameters
    ----------
    lineage : Lineage
    base : str
        The address of this portal's provenance, ending in a slash: names of entities, activities and agents start so.
    """
    document: dict = {"prefix": {**PREFIXES, "stoa": base}}
    agents: dict = {}
    relations = _Relations(document)
    for cell in lineage.cells.values():
        document.setdefault("entity", {})[_entity(cell.id)] = _cell(cell)
        if cell.typed_by:
            agents[_agent(cell.typed_by)] = _person(cell.typed_by)
            relations.add(
                "wasAttributedTo", {"prov:entity": _entity(cell.id), "prov:agent": _agent(cell.typed_by)}
            )
    for making in lineage.makings.values():
        document.setdefault("activity", {})[_activity(making.key)] = _making(making)
        if making.asked_by and not making.reused:
            agents[_agent(making.asked_by)] = _person(making.asked_by)
            relations.add(
                "wasAssociatedWith",
                {
                    "prov:activity": _activity(making.key),
                    "prov:agent": _agent(making.asked_by),
                    "prov:role": "asked",
                },
            )
    for making, cell, role in lineage.used:
        relations.add(
            "used", {"prov:activity": _activity(making), "prov:entity": _entity(cell), "prov:role": role}
        )
    for making, cell, role in lineage.generated:
        relations.add(
            "wasGeneratedBy",
            {"prov:entity": _entity(cell), "prov:activity": _activity(making), "prov:role": role},
        )
    for collection, members in lineage.members.items():
        for member in members:
            relations.add(
                "hadMember", {"prov:collection": _entity(collection), "prov:entity": _entity(member)}
            )
    if agents:
        document["agent"] = agents
    return document


class _Relations:
    """Gives each relation of a document a name of its own."""

    def __init__(self, document):
        self.document, self.n = document, 0

    def add(self, kind, relation):
        """Add a relation of that kind."""
        self.n += 1
        self.document.setdefault(kind, {})[f"_:r{self.n}"] = relation


def _entity(number):
    return f"stoa:entity/{number}"


def _activity(key):
    return f"stoa:{key.replace('-', '/')}"


def _agent(name):
    # What a qualified name may not hold is written by its number.
    plain = "".join(each if each.isalnum() else f"-{ord(each):x}-" for each in name)
    return f"stoa:agent/{plain}"


def _person(name):
    return {"prov:type": {"$": "prov:Person", "type": "prov:QUALIFIED_NAME"}, "prov:label": name}


def _cell(cell):
    if not cell.visible:
        return {"prov:label": cell.label}
    facts = {
        "prov:label": cell.label,
        "stoa:digest": cell.digest,
        "stoa:column": f"{cell.table}.{cell.column}",
    }
    if cell.kind == "collection":
        facts["prov:type"] = {"$": "prov:Collection", "type": "prov:QUALIFIED_NAME"}
        return facts | {"stoa:n": cell.n}
    facts["stoa:row"] = cell.row_id
    if cell.value:
        facts["prov:value"] = cell.value
    if cell.sha256:
        facts["stoa:sha256"] = cell.sha256
    return facts


def _making(making):
    if not making.visible:
        return {"prov:label": making.label}
    facts = {"prov:label": making.label}
    if making.started_at and not making.reused:
        facts["prov:startTime"] = making.started_at.isoformat()
    if making.finished_at and not making.reused:
        facts["prov:endTime"] = making.finished_at.isoformat()
    told = {
        "stoa:step": making.step,
        "stoa:version": making.version,
        "stoa:code": making.code,
        "stoa:environment": making.environment,
        "stoa:host": making.host,
        "stoa:worker": making.worker,
        "stoa:reusedRun": making.run_id if making.reused else "",
    }
    facts |= {name: value for name, value in told.items() if value}
    # The full configuration, defaults included; what JSON cannot say as one value is left as text.
    for name, value in making.parameters.items():
        if value is not None:
            plain = value if isinstance(value, bool | int | float | str) else str(value)
            facts[f"stoa:parameter.{name}"] = plain
    return facts
