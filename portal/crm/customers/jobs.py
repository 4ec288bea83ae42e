"""Background work of customers."""

from typing import Any
from uuid import UUID

from django.utils import translation
from django.utils.translation import gettext_lazy

from portal.core.accounts.models import User
from portal.core.common import clock
from portal.core.common.errors import DomainError
from portal.core.jobs.tasks import Running, job, periodic
from portal.crm.customers import exports, selectors
from portal.crm.customers.selectors import Filters


@job(name="crm.customers_export", title=gettext_lazy("Export of customers"), retry=2, queue="reports")
def customers_export(running: Running, *, kind: str, filters: dict[str, Any], ordering: list[str]) -> dict[str, Any]:
    """A file of more rows than an answer should hold; it waits a day for whoever asked."""
    user = User.objects.select_related("role").get(pk=running.by.user or "")
    moments = {"since", "until"}
    said: dict[str, Any] = {
        name: clock.parse_moment(value) if name in moments else value for name, value in filters.items()
    }
    rows = selectors.customer_list(user=user, filters=Filters(**said)).order_by(*ordering)
    return exports.keep(rows=rows, kind=kind, filters=filters, by=user, progress=running.progress)


@job(name="crm.customers_import", title=gettext_lazy("Import of customers"), retry=3, queue="imports")
def customers_import(running: Running, *, run: str) -> dict[str, str]:
    """Check, import or revert a file, as its state says, batch by batch; a start after a kill goes on with the next."""
    from portal.crm.customers.imports import services

    language = translation.get_language()
    user = User.objects.select_related("role").get(pk=running.by.user or "")

    def batch() -> tuple[int, int] | None:
        with translation.override(language):  # `apart` works in a thread of its own
            state = services.step(run_id=UUID(run), by=user)
        return (state.position, state.total) if state is not None and state.busy else None

    try:
        while found := running.apart(batch):
            running.progress(*found)
    except DomainError as refusal:
        unread = refusal  # a file that cannot be read to its end stays refused, however often it is tried
        running.apart(lambda: services.fail(run_id=UUID(run), refusal=unread))
    return {"importId": run}


@periodic(cron="50 3 * * *", name="crm.customers_import_purge")
def customers_import_purge() -> None:
    """Files of imports do not stay for ever."""
    from portal.crm.customers.imports import services

    services.purge()
