"""What was computed before: results by fingerprint, inside one project."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from pipelines.models import Memo
from pipelines.writing import as_array, encode_json, insert_many, one_by_one

KEPT = {"fingerprint": "text", "content": "text", "outputs": "jsonb", "run_id": "bigint", "size": "bigint"}
BESIDE_OUTPUTS = 200  # bytes that an entry takes, with its place in the indexes, beside its outputs
A_DAY = timedelta(days=1)


class Remembered(NamedTuple):
    """What a fingerprint gave: outputs as JSON has them (or written as such), and the run that made them."""

    fingerprint: str
    content: str
    outputs: dict[str, Any] | str
    run_id: int


def recall(project_id: int, fingerprints: Iterable[str]) -> dict[str, Remembered]:
    """Return what is remembered of these fingerprints in a project, by fingerprint.

    That they were used is noted once a day, by one statement: often enough to know what nobody asks for.
    """
    wanted = set(fingerprints)
    if not wanted:
        return {}
    now = datetime.now(UTC)
    facts = "fingerprint, content, outputs, run_id, used_at < %s AS long_ago"
    asked = f"SELECT {facts} FROM pipelines_memo WHERE project_id = %s AND fingerprint"
    if connection.vendor == "postgresql":
        sql = f"SELECT m.* FROM unnest(%s::text[]) v(key_), {one_by_one(f'{asked} = v.key_')} m"
        values = [as_array("text", list(wanted)), now - A_DAY, project_id]
    else:
        sql = f"{asked} IN (SELECT value FROM json_each(%s))"
        values = [now - A_DAY, project_id, json.dumps(list(wanted))]
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        found = cursor.fetchall()
    again = [fingerprint for fingerprint, *_, long_ago in found if long_ago]
    if again:
        Memo.objects.filter(project=project_id, fingerprint__in=again).update(used_at=now)
    return {
        fingerprint: Remembered(fingerprint, content, _read(outputs), run_id)
        for fingerprint, content, outputs, run_id, _ in found
    }


def remember(project_id: int, results: Iterable[Remembered], *, instead: bool = False) -> None:
    """Keep results; what is remembered already stays as it is, or is replaced (what was run again on purpose)."""
    now = datetime.now(UTC)
    rows = [
        (fingerprint, content, outputs, run_id, len(outputs) + BESIDE_OUTPUTS)
        for fingerprint, content, result, run_id in results
        for outputs in (result if isinstance(result, str) else encode_json(result),)
    ]
    replaced = ", ".join(
        f"{name} = excluded.{name}" for name in ("content", "outputs", "run_id", "size", "used_at")
    )
    insert_many(
        "pipelines_memo",
        KEPT,
        rows,
        {"project_id": project_id, "made_at": now, "used_at": now},
        f"ON CONFLICT (project_id, fingerprint) DO UPDATE SET {replaced}"
        if instead
        else "ON CONFLICT DO NOTHING",
    )


def _read(outputs: Any) -> Any:
    return json.loads(outputs) if isinstance(outputs, str) else outputs
