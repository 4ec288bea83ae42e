"""P5 pages, P6 a crowd of people at once, P14 the same work on a grown database."""

import statistics
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

from bench_audit import ENTRIES, sealed
from bench_client import percentile, shares, timed

PAGES = ("/", "/samples", "/submissions", "/tickets", "/dashboard")
CALLS = ("/api/v1/samples?limit=50", "/api/v1/submissions?limit=20", "/api/v1/auth/permissions", "/api/v1/tasks")


class Load:
    def __init__(self, bench: Any) -> None:
        self.bench, self.table = bench, bench.table

    def pages(self) -> None:
        """P5: each page warm, from one browser and from eight at once."""
        user = self.bench.listed(self.bench.options.samples)
        browsers = [self.bench.client().open_session(user.email) for _ in range(8)]
        sample = self.bench.client().sign_in(user.email).data("GET", "/api/v1/samples?limit=1")[0]["id"]
        bare = self.bench.bare(self.bench.client(), "/login")
        for path in (*PAGES, "/samples?q=tap+17", "/samples?sort=location&page=20", f"/samples/{sample}"):
            calls, cpu = self.bench.repeat(lambda path=path: browsers[0].send("GET", path), 20)
            named = path.replace(sample, "…")
            work = f"{named}, one browser (reference: sign-in page)"
            self.table.add("P5", work, shares(calls, 0.95), "ms p95", reference=bare, cpu=cpu)
            times = [self.together(browsers, path) for _ in self.bench.runs()]
            work = f"{named}, 8 browsers without a pause (reference: target)"
            self.table.add("P5", work, shares(times, 0.95), "ms p95", reference=100)

    def together(self, clients: list[Any], path: str) -> list[float]:
        """Milliseconds of each call of clients that call again and again, over new connections: the server closes those
        that were idle while another figure was measured."""
        for client in clients:
            client.connection.close()

        def work(client: Any) -> list[float]:
            return [1000 * timed(lambda: client.get(path)) for _ in range(10)]

        with ThreadPoolExecutor(len(clients)) as threads:
            return [one for times in threads.map(work, clients) for one in times]

    def crowd(self) -> None:
        """P6: a hundred people, half in the portal and half in apps, who think 0 to 200 ms between two requests."""
        user = self.bench.listed(self.bench.small)
        seconds = 8 if self.bench.options.quick else 60
        browser = self.bench.client().open_session(user.email)
        app = self.bench.client().sign_in(user.email)
        clients = []
        for number in range(100):
            client = self.bench.client()
            client.headers = dict((app if number % 2 else browser).headers)
            clients.append(client)
        bare, _errors = self.many(clients, lambda _number, _dice: "/health/live", seconds / 4)
        paths = lambda number, dice: dice.choice(CALLS if number % 2 else PAGES)  # noqa: E731
        spent = self.bench.program.cpu()
        times, errors = self.many(clients, paths, seconds)
        cpu = 1000 * (self.bench.program.cpu() - spent) / len(times)
        reference = percentile(bare, 0.95)
        work = f"100 people for {seconds} s (reference: health)"
        self.table.add("P6", work, [percentile(times, 0.95)], "ms p95", reference=reference, cpu=cpu)
        self.table.add("P6", "answers meanwhile", [len(times) / seconds], "a second")
        self.table.add("P6", "errors meanwhile", [float(errors)], "")

    def many(self, clients: list[Any], choose: Callable[[int, Random], str], seconds: float) -> tuple[list[float], int]:
        """Milliseconds of each answer, and how many were none or the wrong one."""
        until = time.perf_counter() + seconds

        def work(number: int) -> tuple[list[float], int]:
            dice, times, errors = Random(number), [], 0
            while time.perf_counter() < until:
                time.sleep(dice.random() / 5)
                began = time.perf_counter()
                try:
                    clients[number].send("GET", choose(number, dice))
                except (SystemExit, OSError):
                    errors += 1
                times.append(1000 * (time.perf_counter() - began))
            return times, errors

        with ThreadPoolExecutor(len(clients)) as threads:
            done = list(threads.map(work, range(len(clients))))
        return [one for times, _errors in done for one in times], sum(errors for _times, errors in done)

    def growth(self) -> None:
        """P14: P1, P2, P4 and P6 again beside 50 organisations and millions of audit entries."""
        again = ("P1", "P2", "P4", "P6")
        if missing := [key for key in again if not any(row["id"] == key for row in self.table.rows)]:
            self.bench.run(missing)
        count = 100_000 if self.bench.options.quick else 5_000_000
        for number in range(50):
            user = self.bench.organization()
            if number % 10 == 0:
                self.bench.load_samples(user, self.bench.small)
            with self.bench.owner() as connection:
                connection.execute("SELECT set_config('marsad.organization', %s, false)", [str(user.organization_id)])
                connection.execute(ENTRIES, [user.organization_id, user.pk, count // 50])
        sealed()
        with self.bench.owner() as connection:
            connection.execute("VACUUM ANALYZE")
        self.table.before = {row["work"]: row["median"] for row in self.table.rows}
        self.bench.forget()
        self.bench.run(again)
        self.table.before = {}
        grown = [row["median"] / row["reference"] for row in self.table.rows if row["id"] == "P14" and row["reference"]]
        self.table.add(
            "P14", f"median of these ratios, {count:,} entries more (target 1.5)", [statistics.median(grown)], ""
        )
