"""What was computed before: results by fingerprint, inside one project."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from django.db import connection

from pipelines.writing import as_array, encode_json, insert_many

KEPT = {"fingerprint": "text", "content": "text", "outputs": "jsonb", "run_id": "bigint", "size": "bigint"}
BESIDE_OUTPUTS = 200  # bytes that an entry takes, with its place in the indexes, beside its outputs
A_DAY = timedelta(days=1)


class Remembered(NamedTuple):
    """What a fingerprint gave: outputs as JSON has them, and the run that made them."""

    fingerprint: str
    content: str
    outputs: dict[str, Any]
    run_id: int


def recall(project_id: int, fingerprints: Iterable[str]) -> dict[str, Remembered]:
    """Return what is remembered of these fingerprints in a project, by fingerprint.

    That they were used is noted once a day, by one statement: often enough to know what nobody asks for.
    """
    wanted = set(fingerprints)
    if not wanted:
        return {}
    if connection.vendor == "postgresql":
        condition, values = "fingerprint = ANY(%s)", as_array("text", list(wanted))
    else:
        condition, values = "fingerprint IN (SELECT value FROM json_each(%s))", json.dumps(list(wanted))
    now = datetime.now(UTC)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT fingerprint, content, outputs, run_id, used_at < %s FROM pipelines_memo "
            f"WHERE project_id = %s AND {condition}",
            [now - A_DAY, project_id, values],
        )
        found = cursor.fetchall()
        if any(long_ago for *_, long_ago in found):
            cursor.execute(
                f"UPDATE pipelines_memo SET used_at = %s WHERE project_id = %s AND {condition} AND used_at < %s",
                [now, project_id, values, now - A_DAY],
            )
    return {
        fingerprint: Remembered(fingerprint, content, _read(outputs), run_id)
        for fingerprint, content, outputs, run_id, _ in found
    }


def remember(project_id: int, results: Iterable[Remembered], *, instead: bool = False) -> None:
    """Keep results; what is remembered already stays as it is, or is replaced (what was run again on purpose)."""
    now = datetime.now(UTC)
    rows = [
        (result.fingerprint, result.content, outputs, result.run_id, len(outputs) + BESIDE_OUTPUTS)
        for result in results
        for outputs in (encode_json(result.outputs),)
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
