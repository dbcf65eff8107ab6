"""What was computed before: results by fingerprint, inside one project."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db import connection

from pipelines.writing import as_array, encode_json, insert_many, one_by_one

KEPT = {"fingerprint": "text", "content": "text", "outputs": "jsonb", "run_id": "bigint"}


class Remembered(NamedTuple):
    """What a fingerprint gave: outputs as JSON has them (or written as such), and the run that made them."""

    fingerprint: str
    content: str
    outputs: dict[str, Any] | str
    run_id: int


def recall(project_id: int, fingerprints: Iterable[str]) -> dict[str, Remembered]:
    """Return what is remembered of these fingerprints in a project, by fingerprint."""
    wanted = set(fingerprints)
    if not wanted:
        return {}
    asked = "SELECT fingerprint, content, outputs, run_id FROM pipelines_memo WHERE project_id = %s AND fingerprint"
    if connection.vendor == "postgresql":
        sql = f"SELECT m.* FROM unnest(%s::text[]) v(key_), {one_by_one(f'{asked} = v.key_')} m"
        values = [as_array("text", list(wanted)), project_id]
    else:
        sql = f"{asked} IN (SELECT value FROM json_each(%s))"
        values = [project_id, json.dumps(list(wanted))]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return {
            fingerprint: Remembered(fingerprint, content, _read(outputs), run_id)
            for fingerprint, content, outputs, run_id in cursor.fetchall()
        }


def remember(project_id: int, results: Iterable[Remembered], *, instead: bool = False) -> None:
    """Keep results; what is remembered already stays as it is, or is replaced (what was run again on purpose)."""
    rows = [
        (fingerprint, content, outputs if isinstance(outputs, str) else encode_json(outputs), run_id)
        for fingerprint, content, outputs, run_id in results
    ]
    replaced = ", ".join(f"{name} = excluded.{name}" for name in ("content", "outputs", "run_id"))
    insert_many(
        "pipelines_memo",
        KEPT,
        rows,
        {"project_id": project_id, "made_at": datetime.now(UTC)},
        f"ON CONFLICT (project_id, fingerprint) DO UPDATE SET {replaced}"
        if instead
        else "ON CONFLICT DO NOTHING",
    )


def _read(outputs: Any) -> Any:
    return json.loads(outputs) if isinstance(outputs, str) else outputs
