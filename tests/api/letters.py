"""Mail that waits in the queue, delivered inside the test's own transaction."""

import json
import re
from typing import Any

from django.core import mail
from django.db import connection
from procrastinate.contrib.django import app


def delivered() -> list[Any]:
    """Run the mail jobs that are queued and return all letters so far."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT task_name, args FROM procrastinate_jobs WHERE queue_name = 'mail' ORDER BY id")
        waiting = [(name, json.loads(arguments)) for name, arguments in cursor.fetchall()]
        cursor.execute("DELETE FROM procrastinate_jobs WHERE queue_name = 'mail'")
    for name, arguments in waiting:
        task = app.tasks[name]
        task.func(*([None] if task.pass_context else []), **arguments)
    return mail.outbox


def token_in(letter: Any) -> str:
    """The token at the end of the letter's link."""
    found = re.search(r"/(?:invite|password/reset)/(\S+)", letter.body)
    assert found, letter.body
    return found[1]
