"""A field device in one file: samples are kept in SQLite, go to Marsad when there is a line, and come back from it.

Standard library alone. Every command works without a line but `sign-in` and `sync`:

    python field_client.py sign-in http://127.0.0.1:8000 technician@demo.marsad.test Marsad-demo-2026
    python field_client.py sample "Anfa, tap 4" NO3 12.0 "mg/L N"
    python field_client.py sync
    python field_client.py list

Run `sync` as often as you like, break it off wherever you like: ids are made here, so nothing is stored twice.
The folder of the database is MARSAD_FIELD, else the current one.
"""

import json
import os
import sqlite3
import sys
import urllib.error
import urllib.request
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CHUNK = 500  # items of one push; the server takes 1,000
SCHEMA = """
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS record (entity TEXT, id TEXT, version INT, data TEXT, PRIMARY KEY (entity, id));
CREATE TABLE IF NOT EXISTS outbox (number INTEGER PRIMARY KEY, change TEXT NOT NULL, fault TEXT NOT NULL DEFAULT '');
"""


class Refused(Exception):
    """The server said no: `status`, and the codes of its faults."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status, self.body = status, body
        super().__init__(f"{status}: " + "; ".join(f"{one['code']} {one['message']}" for one in body.get("errors", [])))


class Device:
    def __init__(self, folder: Path) -> None:
        self.store = sqlite3.connect(folder / "marsad-field.db", isolation_level=None)
        self.store.executescript(SCHEMA)

    def get(self, name: str) -> str:
        row = self.store.execute("SELECT value FROM setting WHERE name = ?", [name]).fetchone()
        return row[0] if row else ""

    def set(self, **values: str) -> None:
        self.store.executemany("INSERT OR REPLACE INTO setting VALUES (?, ?)", values.items())

    # --- the line ------------------------------------------------------------------------------
    def call(self, path: str, body: Any = None, *, again: bool = True) -> Any:
        """One request; an access token that has ended is renewed once. Raises Refused, or OSError without a line."""
        request = urllib.request.Request(f"{self.get('url')}/api/v1{path}")
        request.add_header("Authorization", f"Bearer {self.get('access')}")
        request.add_header("X-Device-ID", self.get("device"))
        if body is not None:
            request.data = json.dumps(body).encode()
            request.add_header("Content-Type", "application/json")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            refused = Refused(error.code, json.load(error))
        if refused.status == 401 and again and path != "/auth/refresh":
            self.keep(self.call("/auth/refresh", {"refreshToken": self.get("refresh")}, again=False))
            return self.call(path, body, again=False)
        raise refused

    def keep(self, tokens: dict[str, str]) -> None:
        self.set(access=tokens["accessToken"], refresh=tokens["refreshToken"])  # each refresh token works once

    def sign_in(self, url: str, email: str, password: str) -> None:
        self.set(url=url.rstrip("/"), device=self.get("device") or f"field-{uuid.uuid4()}")
        credentials = {"email": email, "password": password, "deviceId": self.get("device")}
        self.keep(self.call("/auth/login", credentials, again=False))
        self.set(person=self.call("/auth/me")["name"])

    # --- work, with or without a line -------------------------------------------------------------
    def sample(self, place: str, parameter: str, value: str, unit: str) -> str:
        """Keep a sample with one result; the text of the value arrives as it was typed (`<0.01`, `7.20`)."""
        now, sample = datetime.now(UTC).isoformat(timespec="seconds"), str(uuid.uuid4())
        taken = {"location": place, "collectionDate": now, "collectorName": self.get("person")}
        self.note("sample", sample, now, type="drinking_water", **taken)
        result = {"sampleId": sample, "parameterName": parameter, "value": value, "unit": unit}
        self.note("result", str(uuid.uuid4()), now, **result)
        return sample

    def note(self, entity: str, id: str, at: str, **data: str) -> None:
        change = {"entity": entity, "entityId": id, "operation": "created", "clientTimestamp": at, "data": data}
        change["idempotencyKey"] = str(uuid.uuid4())
        self.store.execute("INSERT OR REPLACE INTO record VALUES (?, ?, 0, ?)", [entity, id, json.dumps(data)])
        self.store.execute("INSERT INTO outbox (change) VALUES (?)", [json.dumps(change)])

    # --- synchronisation -----------------------------------------------------------------------------
    def push(self) -> dict[str, int]:
        """Send what waits. What the server refused stays, with the reason, for a person to correct."""
        counts: dict[str, int] = {}
        while waiting := self.store.execute(
            "SELECT number, change FROM outbox WHERE fault = '' ORDER BY number LIMIT ?", [CHUNK]
        ).fetchall():
            changes = [json.loads(change) for _number, change in waiting]
            answer = self.call("/sync", {"deviceId": self.get("device"), "changes": changes})
            for (number, _change), result in zip(waiting, answer["results"], strict=True):
                counts[result["status"]] = counts.get(result["status"], 0) + 1
                if result["status"] == "error":
                    fault = f"{result['error']['code']}: {result['error']['message']}"
                    self.store.execute("UPDATE outbox SET fault = ? WHERE number = ?", [fault, number])
                else:  # a conflict is settled, too: the record that is in force comes with the next pull
                    self.store.execute("DELETE FROM outbox WHERE number = ?", [number])
        return counts

    def pull(self) -> int:
        """Take what has changed since the last time. The cursor is kept with the page that it ends."""
        taken = 0
        while True:
            try:
                page = self.call(f"/sync/changes?limit=1000&cursor={self.get('cursor')}")
            except Refused as refused:
                if refused.status != 409 or not self.get("cursor"):
                    raise
                self.set(cursor="")  # fullResyncRequired: from the start; what waits to be sent stays
                continue
            self.store.execute("BEGIN")
            for one in page["changes"]:
                key = [one["entity"], one["entityId"]]
                if one["operation"] == "deleted":
                    self.store.execute("DELETE FROM record WHERE entity = ? AND id = ?", key)
                else:
                    row = [*key, one["version"], json.dumps(one["data"])]
                    self.store.execute("INSERT OR REPLACE INTO record VALUES (?, ?, ?, ?)", row)
            self.set(cursor=page["pagination"]["nextCursor"])
            self.store.execute("COMMIT")
            taken += len(page["changes"])
            if not page["pagination"]["hasMore"]:
                return taken


def main(command: str, *arguments: str) -> None:
    device = Device(Path(os.environ.get("MARSAD_FIELD", ".")))
    if command == "sign-in":
        device.sign_in(*arguments)
        print("signed in as", device.get("person"))
    elif command == "sample":
        print(device.sample(*arguments))
    elif command == "sync":
        print("pushed", device.push(), "pulled", device.pull())
    elif command == "list":
        for id, version, data in device.store.execute("SELECT id, version, data FROM record WHERE entity = 'sample'"):
            said = json.loads(data)
            print(id, f"v{version}", said.get("complianceStatus", "not sent yet"), said["location"])
        for change, fault in device.store.execute("SELECT change, fault FROM outbox"):
            print("waits:", json.loads(change)["entity"], fault)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    try:
        main(*sys.argv[1:])
    except (Refused, OSError) as error:
        sys.exit(f"{error}")
