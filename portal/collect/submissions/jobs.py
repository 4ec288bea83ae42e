"""Background work of submissions: large exports, messages of webhooks, figures for the outlier check, housekeeping."""

import tempfile
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from django.conf import settings
from django.db import connection
from django.utils.translation import gettext_lazy

from portal.collect.forms.models import Form
from portal.collect.submissions import checks, exports, selectors, webhooks
from portal.collect.submissions.choices import DeliveryStatus
from portal.collect.submissions.models import Submission, WebhookDelivery
from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.files.exports import export_keep
from portal.core.jobs.tasks import Running, defer, job, periodic
from portal.core.tenancy.scope import tenant

_KNOWN: Final = 10_000  # newest submissions of a form that its figures are taken of


@job(name="collect.export", title=gettext_lazy("Export of submissions"), retry=2, queue="reports")
def export(running: Running, *, kind: str, filters: Mapping[str, Any]) -> dict[str, Any]:
    """A workbook or the media of the submissions that match `filters` (those of the list, as text)."""
    user = User.objects.select_related("organization", "role").get(pk=running.by.user or "")
    rows = selectors.filtered(user, filters)
    form = Form.objects.filter(pk=filters["form"]).first() if filters.get("form") else None
    total = rows.order_by().count()
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=settings.DATA_DIR) as file:
        if kind == "zip":
            count = exports.write_media(file, rows, user=user)
        else:
            count = exports.write_workbook(file, rows, form=form, progress=lambda done: running.progress(done, total))
        file.seek(0)
        name = f"submissions{'-media' if kind == 'zip' else ''}.{kind}"
        return export_keep(file=file, filename=name, by=user, right="submissions.export", rows=count)


@job(name="collect.deliver", title=gettext_lazy("Messages to webhooks"), retry=3, queue="default")
def deliver(running: Running) -> dict[str, int]:
    """Send the messages of webhooks that are due, each in a transaction of its own."""
    count = 0
    while running.apart(webhooks.deliver_next):
        count += 1
    return {"sent": count}


@periodic(cron="* * * * *", name="collect.deliver_due")
def deliver_due() -> None:
    """Take up the messages that wait for another attempt."""
    due = WebhookDelivery.objects.filter(status=DeliveryStatus.WAITING, due_at__lte=clock.now())
    for organization in list(due.order_by().values_list("organization", flat=True).distinct()):
        with tenant(organization):
            defer(deliver)


@periodic(cron="*/15 * * * *", name="collect.statistics")
def statistics() -> None:
    """Refresh the figures of forms that took submissions since."""
    since = clock.now() - timedelta(minutes=30)
    for form in Form.objects.filter(deleted_at=None, version__gt=0).only("pk", "version", "organization_id"):
        with tenant(form.organization_id):
            if Submission.objects.filter(form=form, updated_at__gte=since).exists():
                refresh_statistics(form)


def refresh_statistics(form: Form) -> None:
    """Count, mean and standard deviation of each numeric answer of the newest submissions; rejected ones stay out."""
    names = checks.numeric_fields(form.pk, form.version)
    found: dict[str, list[float]] = {}
    if names:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT a.key, count(*), avg(a.value::text::float8), coalesce(stddev_samp(a.value::text::float8), 0)"
                " FROM (SELECT answers FROM collect_submission WHERE organization_id = %s AND form_id = %s"
                "       AND deleted_at IS NULL AND review_state <> 'rejected'"
                "       ORDER BY created_at DESC, id DESC LIMIT %s) s,"
                " jsonb_each(s.answers) a WHERE a.key = ANY(%s) AND jsonb_typeof(a.value) = 'number' GROUP BY a.key",
                [form.organization_id, form.pk, _KNOWN, names],
            )
            found = {name: [count, mean, deviation] for name, count, mean, deviation in cursor.fetchall()}
    Form.objects.filter(pk=form.pk).update(statistics=found)


@periodic(cron="20 3 * * *", name="collect.purge")
def purge() -> None:
    """Messages of webhooks that are done, after thirty days."""
    webhooks.purge()
