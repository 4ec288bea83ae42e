"""The layout of compose.many.yaml on loopback addresses, from the same files, with checks. Needs `docker/try.sh build`.

As root on Debian, with nginx, redis-server, pgbouncer and PostgreSQL installed and the development packages in .venv:
    python docker/try_many.py [--keep]

A primary with a synchronous replica, Redis, S3 (moto), two web machines with a PgBouncer each, two workers, and nginx
with TLS in front. Prints a line for each thing that was seen; ends with 1 where one is not as it should be.
"""

import asyncio
import contextlib
import http.client
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import httpx
import psycopg
import websockets
from moto.server import ThreadedMotoServer

HERE = Path(__file__).resolve().parent
TRY = Path(os.environ.get("TRY", "/var/tmp/marsad-try"))
AT = {
    name: f"127.86.0.{number}"
    for name, number in {
        "proxy": 10,
        "web1": 21,
        "web2": 22,
        "primary": 31,
        "replica": 32,
        "redis": 41,
        "s3": 51,
        "stranger": 99,
    }.items()
}
PG = max(Path("/usr/lib/postgresql").glob("*/bin"))
URL = "https://127.0.0.1:8443"
PASSWORD = "a-long-word-for-the-platform"
processes: dict[str, "subprocess.Popen[bytes]"] = {}
faults: list[str] = []


def seen(what: str, right: object, detail: object = "") -> None:
    print(f"{'ok   ' if right else 'FAULT'} {what} {detail}", flush=True)
    if not right:
        faults.append(what)


def start(name: str, *command: str, user: str = "", **environment: str) -> None:
    who: dict[str, Any] = {"user": user, "group": user, "extra_groups": []} if user else {}
    with (TRY / f"{name}.log").open("wb") as log:
        (TRY / f"{name}.log").chmod(0o666)  # nginx opens it anew under its own name
        processes[name] = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            env=os.environ | {"PATH": f"{PG}:{os.environ['PATH']}"} | environment,
            cwd="/" if user else HERE.parent,
            **who,
        )


def stop(name: str, number: signal.Signals = signal.SIGTERM) -> None:
    process = processes.pop(name)
    pid = str(process.pid)
    if name.startswith(("web", "worker")):  # `unshare` waits for its child and passes nothing on
        inner = subprocess.run(["ps", "-o", "pid=", "--ppid", pid], capture_output=True, text=True, check=False)
        pid = inner.stdout.strip() or pid
    with contextlib.suppress(ProcessLookupError):
        os.kill(int(pid), number)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def until(what: str, true: Callable[[], object], seconds: float = 120) -> object:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, httpx.HTTPError, psycopg.Error, http.client.HTTPException):
            if found := true():
                return found
        time.sleep(0.3)
    raise SystemExit(f"{what} did not come within {seconds:.0f} s; the logs are in {TRY}")


def inside(*command: str, given: str = "", **environment: str) -> str:
    done = subprocess.run(
        ["sh", str(HERE / "try.sh"), "run", *command],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"TRY": str(TRY)} | environment,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}: {done.stdout[-2000:]} {done.stderr[-2000:]}")
    return done.stdout


def settings(name: str, **values: str) -> str:
    path = TRY / f"{name}.env"
    path.write_text("".join(f"{key}={value}\n" for key, value in values.items()))
    return str(path)


def web(name: str) -> None:
    start(
        name,
        "sh",
        str(HERE / "try.sh"),
        "run",
        "env",
        f"GRANIAN_HOST={AT[name]}",
        "granian",
        "portal.config.asgi:application",
        TRY=str(TRY),
        SETTINGS=str(TRY / f"{name}.env"),
    )


def sql(address: str, query: str, **more: str) -> Any:
    with psycopg.connect(
        host=address, user="marsad_owner", password="own", dbname="marsad", autocommit=True, **more
    ) as one:  # type: ignore[arg-type]
        return one.execute(query).fetchall()


def lay_out() -> None:
    """Every process of the layout, in the order in which a person would start it."""
    for name in ("primary", "replica", "socket", "nginx", "data", "backups"):
        shutil.rmtree(TRY / name, ignore_errors=True)
    for name in ("data", "backups"):
        (TRY / name).mkdir()
        shutil.chown(TRY / name, 10001, 10001)
    for name in ("primary", "replica", "socket"):
        (TRY / name).mkdir(mode=0o700)
        shutil.chown(TRY / name, "postgres", "postgres")
    TRY.chmod(0o755)

    def postgres(name: str) -> list[str]:
        return [
            "-c",
            f"config_file={HERE}/postgres/postgresql.conf",
            "-c",
            f"listen_addresses={AT[name]}",
            "-c",
            f"unix_socket_directories={TRY / 'socket' if name == 'primary' else ''}",
            "-c",
            "shared_buffers=128MB",
        ]

    primary, who = str(TRY / "primary"), {"user": "postgres", "group": "postgres", "extra_groups": []}
    quiet: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "cwd": "/"}
    subprocess.run([PG / "initdb", "-D", primary, "--encoding=UTF8", "--locale=C.UTF-8", "-A", "trust"], **quiet, **who)
    hba = TRY / "primary" / "pg_hba.conf"
    hba.write_text("local all all trust\nhost all all all scram-sha-256\n")
    conf = [*postgres("primary"), "-c", "synchronous_standby_names=replica1"]
    start("primary", str(PG / "postgres"), "-D", primary, *conf, user="postgres", PGDATA=primary)
    ready = [PG / "pg_isready", "-q", "-h", AT["primary"]]
    until("the primary", lambda: subprocess.run(ready, check=False).returncode == 0)
    # commits wait for the replica from the start, so the roles are made without that
    first = os.environ | {
        "PATH": f"{PG}:{os.environ['PATH']}",
        "PGDATA": primary,
        "PGHOST": str(TRY / "socket"),
        "PGOPTIONS": "-c synchronous_commit=local",
        "MARSAD_OWNER_PASSWORD": "own",
        "REPLICATION_PASSWORD": "copy",
    }
    subprocess.run(["sh", HERE / "postgres" / "roles.sh"], env=first, **quiet, **who)
    subprocess.run([PG / "pg_ctl", "-D", primary, "reload"], **quiet, **who)
    start(
        "replica",
        "sh",
        str(HERE / "postgres" / "replica.sh"),
        *postgres("replica"),
        user="postgres",
        PGDATA=str(TRY / "replica"),
        PRIMARY_ADDRESS=AT["primary"],
        REPLICATION_PASSWORD="copy",
        REPLICA_NAME="replica1",
    )
    until("the replica", lambda: sql(AT["replica"], "SELECT pg_is_in_recovery()")[0][0])

    start("redis", "redis-server", "--bind", AT["redis"], "--requirepass", "cache", "--save", "", "--appendonly", "no")
    bucket = ThreadedMotoServer(AT["s3"], 5000, verbose=False)
    bucket.start()
    boto3.client(
        "s3",
        endpoint_url=f"http://{AT['s3']}:5000",
        region_name="eu-west-3",
        aws_access_key_id="key",
        aws_secret_access_key="secret",
    ).create_bucket(Bucket="marsad", CreateBucketConfiguration={"LocationConstraint": "eu-west-3"})

    shared = {
        "MARSAD_ENV": "production",
        "MARSAD_SECRET_KEY": "k" * 60,
        "MARSAD_HOSTS": "127.0.0.1",
        "MARSAD_PLATFORM_MFA": "0",
        "MARSAD_PUBLIC_URL": URL,
        "MARSAD_ORIGINS": URL,
        "MARSAD_TRUSTED_PROXIES": "127.0.0.1/32",
        "MARSAD_LOG_FORMAT": "json",
        "MARSAD_FILES_S3": f"http://key:secret@{AT['s3']}:5000/marsad?region=eu-west-3",
        "REDIS_URL": f"redis://:cache@{AT['redis']}:6379/0",
    }
    direct = shared | {"MARSAD_APP_DATABASE_URL": f"postgresql://marsad_app:app@{AT['primary']}:5432/marsad"}
    owner = f"postgresql://marsad_owner:own@{AT['primary']}:5432/marsad"
    began = time.monotonic()
    inside("python", "manage.py", "prepare", SETTINGS=settings("prepare", **direct, DATABASE_URL=owner))
    seen("prepare made roles and tables, read-only root, user 10001", True, f"{time.monotonic() - began:.0f} s")
    said = inside(
        "python",
        "manage.py",
        "create_admin",
        "op@example.org",
        given=PASSWORD + "\n",
        SETTINGS=settings("worker", **direct),
    )
    seen("create_admin", "op@example.org" in said)
    for name in ("web1", "web2"):
        start(
            f"pool-{name}",
            "sh",
            str(HERE / "pgbouncer" / "start.sh"),
            user="postgres",
            DATABASE_HOST=AT["primary"],
            MARSAD_APP_PASSWORD="app",
            PGBOUNCER_ADDRESS=AT[name],
            PGBOUNCER_RUN=f"/tmp/try-pool-{name}",
        )
        pooled = f"postgresql://marsad_app:app@{AT[name]}:6432/marsad"
        settings(name, **shared, MARSAD_APP_DATABASE_URL=pooled, MARSAD_CONN_MAX_AGE="0")
        web(name)
    for name in ("worker1", "worker2"):
        start(
            name,
            "sh",
            str(HERE / "try.sh"),
            "run",
            "python",
            "manage.py",
            "procrastinate",
            "worker",
            TRY=str(TRY),
            SETTINGS=str(TRY / "worker.env"),
        )
    proxy()


def proxy() -> None:
    folder = TRY / "nginx"
    (folder / "tls").mkdir(parents=True)
    for name in ("body", "proxy"):
        Path("/var/cache/nginx", name).mkdir(parents=True, exist_ok=True)
        shutil.chown(Path("/var/cache/nginx", name), "www-data")
    shutil.copy(HERE / "nginx" / "nginx.conf", folder)
    shutil.copy("/etc/nginx/mime.types", folder)
    lines = (HERE / "nginx" / "upstream.many.conf").read_text()
    (folder / "upstream.conf").write_text(re.sub(r"10\.0\.0\.", "127.86.0.", lines))
    certificate()
    for path in folder.rglob("*"):
        shutil.chown(path, "www-data")
    start("nginx", "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-g", "daemon off;", user="www-data")
    for name in ("web1", "web2"):
        until(
            name,
            lambda name=name: (
                httpx.get(f"http://{AT[name]}:8000/health/ready", headers={"Host": "127.0.0.1"}).status_code == 200
            ),
        )  # type: ignore[misc]


def certificate() -> None:
    tls = TRY / "nginx" / "tls"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-keyout",
            tls / "tls.key",
            "-out",
            tls / "tls.crt",
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ],
        check=True,
        capture_output=True,
    )
    shutil.chown(tls / "tls.key", "www-data")
    shutil.chown(tls / "tls.crt", "www-data")


def client() -> httpx.Client:
    return httpx.Client(base_url=URL, verify=ssl.create_default_context(cafile=TRY / "nginx/tls/tls.crt"), timeout=120)


def look() -> None:
    """What the layout has to do, one after the other."""
    plain = httpx.get("http://127.0.0.1:8080/login?next=/x")
    seen("http leads to https", plain.status_code == 308, plain.headers.get("location"))
    with client() as line:
        page = line.get("/login")
        cookie = page.headers.get("set-cookie", "")
        seen("TLS ends at the proxy", page.status_code == 200 and page.http_version == "HTTP/1.1")
        seen("cookies are Secure, HSTS is on", "Secure" in cookie and "strict-transport-security" in page.headers)
        seen(
            "static files come compressed",
            line.get(re.search(r'href="(/static/[^"]+\.css)"', page.text)[1]).status_code == 200,
        )  # type: ignore[index]
        token = line.post("/api/v1/auth/login", json={"email": "op@example.org", "password": PASSWORD}).json()["data"]
        bearer = {"Authorization": f"Bearer {token['accessToken']}"}
        health = line.get("/api/v1/admin/health", headers=bearer).json()["data"]
        seen("health", True, json.dumps(health)[:300])
        made = [line.get("/api/v1/auth/me", headers=bearer).headers["X-Request-ID"] for _ in range(20)]
        log = (TRY / "nginx.log").read_text()
        served = {AT[name] for name in ("web1", "web2") if any(f"{AT[name]}:8000 {one}" in log for one in made)}
        seen("both web machines answer, one request id from proxy to program", len(served) == 2, served)
        organisation(line, bearer)
        addresses(line)
        asyncio.run(sockets(line, bearer))
        rolling(line, bearer)
    replication()
    beats = sql(
        AT["primary"], "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '1 minute'"
    )
    done = sql(AT["primary"], "SELECT count(*) FROM procrastinate_jobs WHERE status = 'succeeded'")
    seen("both workers are alive and do jobs", beats[0][0] == 2 and done[0][0] > 0, f"{done[0][0]} done")
    pools = sum(
        len(re.findall("closing because|login attempt: db=marsad", (TRY / f"pool-{n}.log").read_text()))
        for n in ("web1", "web2")
    )
    seen("web processes go through PgBouncer", pools > 0)
    inside("python", "docker/healthy.py", "worker", SETTINGS=str(TRY / "worker.env"))
    seen("healthy.py worker", True)
    asked = os.environ | {"GRANIAN_HOST": AT["web1"], "MARSAD_HOSTS": "127.0.0.1"}
    seen("healthy.py", subprocess.run([sys.executable, HERE / "healthy.py"], env=asked, check=False).returncode == 0)
    backup()


def organisation(line: httpx.Client, bearer: dict[str, str]) -> None:
    """An organisation with an administrator, as the tutorial of the platform operator makes one; a large upload."""
    made = line.post("/api/v1/organizations", headers=bearer, json={"name": "Try", "timeZone": "Africa/Casablanca"})
    org = made.json()["data"]["id"]
    invited = line.post(
        "/api/v1/invitations",
        headers=bearer | {"X-Tenant-ID": org},
        json={"email": "boss@example.org", "role": "Admin"},
    )
    token = invited.json()["data"]["token"]
    accepted = line.post("/api/v1/invitations/accept", json={"token": token, "password": PASSWORD, "name": "Boss"})
    seen(
        "organisation, invitation, acceptance",
        accepted.is_success,
        (made.status_code, invited.status_code, accepted.status_code),
    )
    said = line.post("/api/v1/auth/login", json={"email": "boss@example.org", "password": PASSWORD}).json()["data"]
    boss = {"Authorization": f"Bearer {said['accessToken']}"}
    video = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + os.urandom(90 * 2**20)
    began = time.monotonic()
    sent = line.post("/api/v1/files/upload", headers=boss, files={"file": ("field.mp4", video, "video/mp4")})
    seen("an upload of 90 MB arrives in the bucket", sent.status_code == 201, f"{time.monotonic() - began:.1f} s")
    if sent.is_success:
        back = line.get(f"/api/v1/files/download/{sent.json()['data']['id']}", headers=boss, follow_redirects=False)
        seen("and comes back by a signed address or whole", back.status_code in (200, 302, 307), back.status_code)
    try:
        big = line.post(
            "/api/v1/files/upload", headers=boss, files={"file": ("a.mp4", video + video[: 30 * 2**20], "video/mp4")}
        )
        seen("one of 120 MB is refused by the proxy", big.status_code == 413)
    except httpx.HTTPError as error:  # it may hang up while we still send
        seen("one of 120 MB is refused by the proxy", True, type(error).__name__)


def addresses(line: httpx.Client) -> None:
    """What a client writes into X-Forwarded-For counts for nothing, and the limit is one for all machines."""
    wrong = {"email": "nobody@example.org", "password": "wrong"}
    codes = [
        line.post(
            "/api/v1/auth/login",
            json=wrong | {"email": f"n{n}@example.org"},
            headers={"X-Forwarded-For": f"198.51.100.{n}"},
        ).status_code
        for n in range(14)
    ]
    seen("sign-ins are limited by the true address over both machines", 429 in codes, codes)
    logged = sql(
        AT["primary"],
        "SELECT DISTINCT host(remote_addr) FROM audit_auditentry WHERE remote_addr IS NOT NULL",
        options="-c marsad.scope=platform",
    )
    seen("the audit log has the true address", {row[0] for row in logged} == {"127.0.0.1"}, logged)
    stranger = http.client.HTTPConnection(AT["web1"], 8000, source_address=(AT["stranger"], 0), timeout=20)
    head = {
        "Host": "127.0.0.1",
        "X-Forwarded-For": "203.0.113.9",
        "Content-Type": "application/json",
        "X-Forwarded-Proto": "https",
    }
    stranger.request("POST", "/api/v1/auth/login", json.dumps(wrong), head)
    answer = stranger.getresponse()
    answer.read()
    forged = sql(
        AT["primary"],
        "SELECT count(*) FROM audit_auditentry WHERE host(remote_addr) = '203.0.113.9'",
        options="-c marsad.scope=platform",
    )
    seen(
        "a stranger past the proxy is not believed",
        answer.status in (400, 401, 429) and forged[0][0] == 0,
        answer.status,
    )


async def sockets(line: httpx.Client, bearer: dict[str, str]) -> None:
    """A socket through the proxy goes on over a reload with a new certificate, and hears."""
    context = ssl.create_default_context(cafile=TRY / "nginx/tls/tls.crt")
    token = bearer["Authorization"].removeprefix("Bearer ")
    async with websockets.connect("wss://127.0.0.1:8443/ws/platform/", ssl=context, origin=URL) as socket_:  # type: ignore[arg-type]
        await socket_.send(json.dumps({"type": "auth", "token": token}))
        first = json.loads(await asyncio.wait_for(socket_.recv(), 20))
        before = socket.create_connection(("127.0.0.1", 8443))
        old = ssl.create_default_context()
        old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
        shown = old.wrap_socket(before).getpeercert(binary_form=True)
        certificate()
        subprocess.run(
            ["nginx", "-p", TRY / "nginx", "-c", TRY / "nginx/nginx.conf", "-s", "reload"],
            check=True,
            capture_output=True,
        )
        await asyncio.sleep(3)
        now = old.wrap_socket(socket.create_connection(("127.0.0.1", 8443))).getpeercert(binary_form=True)
        await socket_.send(json.dumps({"type": "ping"}))
        answer = await asyncio.wait_for(socket_.recv(), 20)
        seen(
            "a socket outlives a reload, new lines get the new certificate",
            shown != now,
            f"{first.get('type')}, {answer[:60]!r}",
        )


def rolling(line: httpx.Client, bearer: dict[str, str]) -> None:
    """Each web machine is stopped and started again while requests go on: none may fail."""
    codes: list[int] = []
    with client() as fresh:
        for name in ("web1", "web2"):
            stop(name)
            codes += [fresh.get("/api/v1/auth/me", headers=bearer).status_code for _ in range(60)]
            web(name)
            until(
                name,
                lambda name=name: (
                    httpx.get(f"http://{AT[name]}:8000/health/ready", headers={"Host": "127.0.0.1"}).status_code == 200
                ),
            )  # type: ignore[misc]
            codes += [fresh.get("/api/v1/auth/me", headers=bearer).status_code for _ in range(20)]
            time.sleep(6)  # the proxy asks a machine again after five seconds
    seen("a rolling restart costs no request", set(codes) == {200}, {code: codes.count(code) for code in set(codes)})


def replication() -> None:
    count = "SELECT count(*) FROM audit_auditentry"
    everything = {"options": "-c marsad.scope=platform"}
    state = sql(AT["primary"], "SELECT application_name, sync_state FROM pg_stat_replication") or [("", "")]
    role = subprocess.run(
        [
            PG / "psql",
            "-h",
            TRY / "socket",
            "-U",
            "postgres",
            "-Atc",
            "SELECT application_name, state, sync_state FROM pg_stat_replication",
        ],
        capture_output=True,
        text=True,
        check=False,
    ).stdout.strip()
    time.sleep(1)
    here, there = (sql(AT[name], count, **everything)[0][0] for name in ("primary", "replica"))
    seen(
        "the replica streams synchronously and has every entry",
        "streaming|sync" in role and abs(here - there) < 20,
        (role, here, there, state[0]),
    )


def backup() -> None:
    secret = TRY / "passphrase"
    secret.write_text("word of the backup\n")
    said = inside("sh", "docker/backup.sh", "once", SETTINGS=str(TRY / "prepare.env"), PASSPHRASE=str(secret))
    seen("backup.sh", re.search(r"\d+ members", said), said.strip())
    name = next((TRY / "backups").glob("marsad-*.tar")).name
    said = inside(
        "python",
        "manage.py",
        "restore",
        f"/backups/{name}",
        "--check",
        "--passphrase-file",
        "/run/secrets/backup_passphrase",
        SETTINGS=str(TRY / "prepare.env"),
        PASSPHRASE=str(secret),
    )
    seen("restore --check", "as the manifest says" in said, said.strip())


def main() -> int:
    try:
        lay_out()
        look()
        if "--keep" in sys.argv:
            input("everything runs; Enter stops it ")
    finally:
        for name in reversed(list(processes)):
            stop(name, signal.SIGINT if name in ("primary", "replica") else signal.SIGTERM)
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
