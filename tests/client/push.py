"""A client that brings samples with their results to a Marsad server and survives what networks do.

It uses nothing of the project but its HTTP API, as a laboratory's own program would:

    python tests/client/push.py FILE.csv.gz --url http://127.0.0.1:8000 --email technician@demo.marsad.test \\
        --password Marsad-demo-2026 [--samples 10000] [--state push.json] [--stop-after-chunk 3] [--lose 2 --lose 5]

FILE has the columns of the Estonian open data (place, domain, lat, lon, sample_id, sampled_at, parameter, value) or of
the USGS groundwater data. Chunks of at most a thousand records go to POST /api/v1/sync with an upload id. Started
again with the same state file, it asks GET /api/v1/sync/uploads/{id} what has arrived and sends the rest; at the end
POST /api/v1/sync/reconcile must know every record. `--lose N` sends chunk N and hangs up before the answer.
"""

import argparse
import csv
import gzip
import itertools
import json
import re
import socket
import sys
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import httpx

CHUNK = 1000
NAMESPACE = uuid.UUID("6f0b1d3e-52a4-4b0e-9d5c-3c1a7e9f2b48")
ESTONIA = {
    "e_coli": ("ECOLI", "CFU/100 mL"), "enterococci": ("ENTEROC", "CFU/100 mL"), "coliforms": ("COLIF", "CFU/100 mL"),
    "colonies_37c": ("HPC37", "CFU/mL"), "ph": ("PH", "pH unit"), "turbidity": ("TURB", "NTU"),
    "color": ("COLOUR", "mg/L Pt"), "oxidizability": ("OXID", "mg/L O2"), "ammonium": ("NH4", "mg/L NH4"),
    "nitrates": ("NO3", "mg/L NO3"), "nitrites": ("NO2", "mg/L NO2"), "chlorides": ("CL", "mg/L"),
    "sulfates": ("SO4", "mg/L"), "fluoride": ("F", "mg/L"), "iron": ("FE", "mg/L"), "manganese": ("MN", "mg/L"),
    "free_chlorine": ("CL2F", "mg/L Cl2"),
}  # fmt: skip
DOMAINS = {
    "veevark": "drinking_water", "joogivesi": "drinking_source", "basseinid": "pool_water",
    "supluskoha": "bathing_water",
}  # fmt: skip
USGS = {
    "pH": "PH", "Temperature, water": "TEMP", "Specific cond at 25C": "COND", "Chloride, wf": "CL",
    "Sulfate, wf": "SO4", "Sodium, wf": "NA", "Calcium, wf": "CA", "Magnesium, wf": "MG", "Potassium, wf": "K",
    "Fluoride, wf": "F", "Nitrate, wf": "NO3", "Nitrite, wf": "NO2", "Tritium, wu": "H3", "Sr-90, wu": "SR90",
    "Chromium, wf": "CR", "Lead, wf": "PB", "Arsenic, wf": "AS", "Iron, wf": "FE", "Manganese, wf": "MN",
}  # fmt: skip
MEDIA = {"WG": "groundwater", "WGQ": "groundwater", "WS": "surface_water", "WSQ": "surface_water"}


class Interrupted(Exception):
    """The client was told to stop here; a later run with the same state file goes on."""


@dataclass
class Tally:
    """What happened, for the person who watches and for tests."""

    records: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    retries: int = 0
    waits: Counter[int] = field(default_factory=Counter)  # by the status that asked for it
    seconds: float = 0.0
    missing: int = 0
    versions: dict[str, int] = field(default_factory=dict)


def read(path: Path, owner: str) -> Iterator[list[dict[str, Any]]]:
    """Each sample of a file with its results as sync items; ids follow from the source's ids and from the owner."""
    space = uuid.uuid5(NAMESPACE, owner)
    opener = gzip.open if path.suffix == ".gz" else open
    grouped: dict[str, list[dict[str, str]]] = {}
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            grouped.setdefault(row["sample_id"], []).append(row)
    for key, rows in grouped.items():
        first = rows[0]
        if "domain" in first:
            yield list(_items(space, key, _estonian(first), _estonian_results(rows)))
        elif first["medium_cd"] in MEDIA:
            yield list(_items(space, key, _american(first), _american_results(rows)))


def _items(
    space: uuid.UUID, key: str, sample: dict[str, Any], results: dict[str, dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    parent = str(uuid.uuid5(space, key))
    stamp = sample["collectionDate"]
    yield _item("sample", parent, sample, stamp)
    for name, result in results.items():
        yield _item("result", str(uuid.uuid5(space, f"{key}/{name}")), {"sampleId": parent, **result}, stamp)


def _item(entity: str, id: str, data: dict[str, Any], stamp: str) -> dict[str, Any]:
    return {
        "entity": entity, "entityId": id, "operation": "created", "clientVersion": 0, "clientTimestamp": stamp,
        "idempotencyKey": f"push-{id}", "data": data,
    }  # fmt: skip


def _estonian(row: dict[str, str]) -> dict[str, Any]:
    taken = datetime.fromisoformat(row["sampled_at"]).replace(tzinfo=ZoneInfo("Europe/Tallinn"))
    return {
        "type": DOMAINS[row["domain"]], "location": row["place"], "collectionDate": taken.isoformat(),
        "collectorName": "Terviseamet", "latitude": float(row["lat"]), "longitude": float(row["lon"]),
    }  # fmt: skip


def _estonian_results(rows: list[dict[str, str]]) -> dict[str, dict[str, Any]]:
    known = ((row["parameter"], row["value"]) for row in rows if row["parameter"] in ESTONIA)
    return {
        name: {"parameterName": ESTONIA[name][0], "value": value, "unit": ESTONIA[name][1]} for name, value in known
    }


def _american(row: dict[str, str]) -> dict[str, Any]:
    taken = datetime.fromisoformat(row["sample_dt"]).replace(tzinfo=ZoneInfo("America/Boise"))
    return {
        "type": MEDIA[row["medium_cd"]], "location": row["site_nm"], "collectionDate": taken.isoformat(),
        "collectorName": "USGS",
    }  # fmt: skip


def _american_results(rows: list[dict[str, str]]) -> dict[str, dict[str, Any]]:
    return {
        row["pcode"]: {
            "parameterName": USGS[row["parm_short_nm"]],
            "value": f"<{row['result_va']}" if row["remark_cd"] == "<" else row["result_va"],
            "unit": row["unit_cd"],
        }
        for row in rows
        if row["parm_short_nm"] in USGS and row["result_va"] and row["remark_cd"] in ("", "<")
    }


def chunked(samples: Iterator[list[dict[str, Any]]]) -> Iterator[list[dict[str, Any]]]:
    """Chunks of at most a thousand items; a sample stays with its results, so that its verdict is made once."""
    chunk: list[dict[str, Any]] = []
    for items in samples:
        if chunk and len(chunk) + len(items) > CHUNK:
            yield chunk
            chunk = []
        chunk += items
    if chunk:
        yield chunk


@dataclass
class Client:
    """One signed-in device."""

    url: str
    email: str
    password: str
    device: str = "push-client"
    patience: float = 60.0  # seconds that the server may be away
    tally: Tally = field(default_factory=Tally)
    lose: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.http = httpx.Client(base_url=f"{self.url}/api/v1", timeout=120)
        self.token = ""

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_raised: object) -> None:
        self.http.close()

    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}", "X-Device-ID": self.device, "Content-Type": "application/json"}

    def sign_in(self) -> None:
        answer = self.http.post("/auth/login", json={"email": self.email, "password": self.password})
        answer.raise_for_status()
        self.token = answer.json()["data"]["accessToken"]

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """The `data` of the answer, None for a 404; asks again while the server is away or too busy."""
        deadline = time.monotonic() + self.patience
        content = None if body is None else json.dumps(body)
        while True:
            try:
                if not self.token:
                    self.sign_in()
                self.tally.requests += 1
                answer = self.http.request(method, path, content=content, headers=self.headers())
            except httpx.TransportError:
                wait = 0.3
            else:
                if answer.status_code == 404:
                    return None
                if answer.status_code == 401 and self.token:
                    self.token, wait = "", 0.0
                elif answer.status_code in (409, 429, 502, 503) and "retry-after" in answer.headers:
                    wait = float(answer.headers["retry-after"])
                    self.tally.waits[answer.status_code] += 1
                else:
                    answer.raise_for_status()
                    return answer.json()["data"]
            if time.monotonic() > deadline:
                raise TimeoutError(f"{method} {path}: the server did not answer for {self.patience:.0f} s")
            self.tally.retries += 1
            time.sleep(wait)

    def send_and_hang_up(self, path: str, body: Any) -> None:
        """The request goes out whole, and the connection is gone before the answer can be read."""
        if not self.token:
            self.sign_in()
        target, content = urlsplit(self.url), json.dumps(body).encode()
        lines = [f"POST /api/v1{path} HTTP/1.1", f"Host: {target.netloc}", f"Content-Length: {len(content)}"]
        lines += [f"{name}: {value}" for name, value in self.headers().items()]
        with socket.create_connection((target.hostname or "", target.port or 80), timeout=30) as wire:
            wire.sendall("\r\n".join([*lines, "", ""]).encode() + content)
            time.sleep(0.02)

    def push(
        self, chunks: list[list[dict[str, Any]]], *, upload: str, stop_after: int | None = None, again: bool = False
    ) -> None:
        """Send what the server does not have yet (`again`: everything). Raises Interrupted after chunk `stop_after`."""
        began = time.monotonic()
        records = sum(map(len, chunks))
        self.tally.records = records
        state = None if again else self.call("GET", f"/sync/uploads/{upload}")
        received = {n for low, high in (state or {}).get("receivedChunks", []) for n in range(low, high + 1)}
        for number, changes in enumerate(chunks):
            if number in received:
                continue
            body = {
                "deviceId": self.device, "changes": changes,
                "upload": {"id": upload, "chunk": number, "chunks": len(chunks), "records": records},
            }  # fmt: skip
            if number in self.lose:
                self.lose.discard(number)
                self.send_and_hang_up("/sync", body)
            answer = self.call("POST", "/sync", body)
            self.tally.counts.update(answer["counts"])
            for result in answer["results"]:
                if result["error"]:
                    self.tally.errors[f"{result['error']['code']} {result['error']['message']}"] += 1
                elif result["serverVersion"] is not None:
                    self.tally.versions[result["entityId"]] = result["serverVersion"]
            self.tally.seconds = time.monotonic() - began
            if stop_after == number:
                raise Interrupted(f"stopped after chunk {number} of {len(chunks)}")
        self.tally.seconds = time.monotonic() - began

    def reconcile(self, chunks: list[list[dict[str, Any]]]) -> dict[str, int]:
        """The versions that the server holds of our records; counts those that it misses."""
        held: dict[str, int] = {}
        for entity in ("sample", "result"):
            ids = [item["entityId"] for chunk in chunks for item in chunk if item["entity"] == entity]
            for part in itertools.batched(ids, CHUNK):
                answer = self.call("POST", "/sync/reconcile", {"entity": entity, "ids": part})
                held |= {row["id"]: row["version"] for row in answer["held"]}
                self.tally.missing += len(answer["missing"])
        return held


def main() -> int:
    parser = argparse.ArgumentParser(description=re.sub(r"\n\n.*", "", __doc__ or "", flags=re.DOTALL))
    parser.add_argument("file", type=Path)
    parser.add_argument("--url", default="http://127.0.0.1:8000")
    parser.add_argument("--email", default="technician@demo.marsad.test")
    parser.add_argument("--password", default="Marsad-demo-2026")
    parser.add_argument("--device", default="push-client")
    parser.add_argument("--samples", type=int, default=10_000, help="at most so many (10000)")
    parser.add_argument("--state", type=Path, default=Path("push.json"), help="where the upload's id is kept")
    parser.add_argument("--stop-after-chunk", type=int, metavar="N")
    parser.add_argument("--lose", type=int, action="append", default=[], metavar="N", help="lose the answer of chunk N")
    parser.add_argument("--again", action="store_true", help="send everything again under a new upload id")
    chosen = parser.parse_args()

    samples = list(itertools.islice(read(chosen.file, chosen.email), chosen.samples))
    chunks = list(chunked(iter(samples)))
    if chosen.again or not chosen.state.exists():
        chosen.state.write_text(json.dumps({"upload": str(uuid.uuid4())}))
    upload = json.loads(chosen.state.read_text())["upload"]
    client = Client(chosen.url.rstrip("/"), chosen.email, chosen.password, chosen.device, lose=set(chosen.lose))
    with client:
        try:
            client.push(chunks, upload=upload, stop_after=chosen.stop_after_chunk, again=chosen.again)
        except Interrupted as reason:
            print(reason)
            return 3
        held = client.reconcile(chunks)
    tally = client.tally
    rate = tally.records / tally.seconds if tally.seconds else 0
    print(f"{len(samples)} samples, {tally.records} records in {len(chunks)} chunks")
    print(f"pushed in {tally.seconds:.1f} s ({rate:.0f} records a second), {tally.retries} requests repeated")
    print("  " + ", ".join(f"{name} {count}" for name, count in sorted(tally.counts.items()) if count))
    for reason, count in tally.errors.most_common(20):
        print(f"  {count:6} {reason}")
    print(f"reconciled: {len(held)} held, {tally.missing} missing")
    return 0 if tally.missing == sum(tally.errors.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
