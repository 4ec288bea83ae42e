"""Is this container well? It asks the web server, or with `worker` the database for a worker's heartbeat."""

import os
import sys
from urllib.request import Request, urlopen

import psycopg

if sys.argv[1:] == ["worker"]:
    beats = "SELECT count(*) FROM procrastinate_workers WHERE last_heartbeat > now() - interval '1 minute'"
    with psycopg.connect(os.environ["MARSAD_APP_DATABASE_URL"], connect_timeout=4) as connection:
        found = connection.execute(beats).fetchone()
    sys.exit(not (found and found[0]))

host = os.environ.get("MARSAD_HOSTS", "localhost").split(",")[0].lstrip(".")
listens = os.environ.get("GRANIAN_HOST", "0.0.0.0").replace("0.0.0.0", "127.0.0.1")
address = f"http://{listens}:{os.environ.get('GRANIAN_PORT', '8000')}/health/ready"
with urlopen(Request(address, headers={"Host": host}), timeout=4) as answer:
    sys.exit(answer.status != 200)
