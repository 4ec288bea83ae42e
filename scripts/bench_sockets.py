"""P7: a thousand open sockets, notifications to everybody and to one person; of apps, and of pages with fragments."""

import asyncio
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
from bench_client import percentile
from websockets.asyncio.client import connect

PEOPLE, EACH, MESSAGES = 50, 20, 20


class Sockets:
    def __init__(self, bench: Any) -> None:
        self.bench, self.admin = bench, bench.organization()
        self.sent: dict[str, tuple[str, float]] = {}
        self.waits: defaultdict[str, list[float]] = defaultdict(list)

    def run(self) -> None:
        from portal.core.accounts import tokens
        from portal.core.accounts.models import Role, User
        from portal.core.tenancy.scope import platform

        with platform():
            role = Role.objects.get(key="Agent", organization=None)
            organization = self.admin.organization
            self.people = [
                User.objects.create(name=f"P{n}", email=f"socket{n}@test.invalid", organization=organization, role=role)
                for n in range(PEOPLE)
            ]
            handed = [tokens.issue(user)[0] for user in self.people]
        asyncio.run(self.measure("apps", handed, ""))
        asyncio.run(self.measure("pages", [self.session(user) for user in self.people], "?format=html"))

    def session(self, user: Any) -> str:
        from importlib import import_module

        from django.conf import settings
        from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

        session = import_module(settings.SESSION_ENGINE).SessionStore()
        session[SESSION_KEY], session[BACKEND_SESSION_KEY] = str(user.pk), settings.AUTHENTICATION_BACKENDS[0]
        session[HASH_SESSION_KEY] = user.get_session_auth_hash()
        session.create()
        return str(session.session_key)

    async def client(self, key: str, query: str, ready: list[int]) -> None:
        origin = f"http://127.0.0.1:{self.bench.program.port}"
        address = f"ws{origin.removeprefix('http')}/ws/notifications/{query}"
        own: dict[str, Any] = {"additional_headers": {"Cookie": f"sessionid={key}"}, "origin": origin} if query else {}
        async with connect(address, ping_interval=None, open_timeout=120, compression=None, **own) as socket:
            await socket.send('{"type":"ping"}' if query else f'{{"type":"auth","token":"{key}"}}')
            await socket.recv()
            ready.append(1)
            async for text in socket:
                place = str(text).find('"id":"') + 6
                kind, at = self.sent.get(str(text)[place : place + 36], ("", 0.0))
                if kind:
                    self.waits[kind].append((time.monotonic() - at) * 1000)

    def send(self, kind: str, number: int) -> None:
        from portal.core.notifications import services
        from portal.core.tenancy.scope import tenant

        who = {"everyone": True} if kind == "everybody" else {"recipients": [str(self.people[number % PEOPLE].pk)]}
        with tenant(self.admin.organization_id, by=self.admin.actor()):
            values = {"title": "P7", "channels": ["in_app"], **who}
            message = services.message_send(values=values, by=self.admin)
            self.sent[str(message.pk)] = (kind, time.monotonic())  # before the commit, so that none comes sooner

    async def measure(self, whose: str, keys: list[str], query: str) -> None:
        web = max(self.bench.program.family(), key=lambda one: "granian" in " ".join(one.cmdline()) and rss(one))
        tasks, ready = [], list[int]()
        before = 0
        for number, key in enumerate(keys):
            tasks += [asyncio.create_task(self.client(key, query, ready)) for _turn in range(EACH)]
            while len(ready) < len(tasks):
                await asyncio.sleep(0.05)
            if number == 4:  # the first ones load what all share
                before = rss(web)
        held = (rss(web) - before) / 1024 / (len(tasks) - 5 * EACH)
        self.bench.table.add("P7", f"memory of a socket, {len(tasks):,} of {whose}", [held], "kB")
        with ThreadPoolExecutor(1) as pool:
            for kind, pause in (("everybody", 0.5), ("one", 0.1)):
                self.waits.clear()
                spent = sum(web.cpu_times()[:2])
                for number in range(MESSAGES):
                    await asyncio.get_running_loop().run_in_executor(pool, self.send, kind, number)
                    await asyncio.sleep(pause)
                await asyncio.sleep(2)
                cpu = (sum(web.cpu_times()[:2]) - spent) * 1000 / len(self.waits[kind])
                work = f"a notification to {kind} reaches {whose}"
                self.bench.table.add("P7", work, [percentile(self.waits[kind], 0.95)], "ms p95", cpu=cpu)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def rss(process: psutil.Process) -> int:
    return int(process.memory_info().rss)
