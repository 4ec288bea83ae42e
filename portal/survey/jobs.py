"""Background work of the survey room."""

from uuid import UUID

from django.utils.translation import gettext_lazy

from portal.core.common import clock
from portal.core.jobs.tasks import Running, job, periodic
from portal.core.tenancy.scope import Actor, tenant
from portal.survey.attachments import services as attachments
from portal.survey.attachments.models import SurveyAttachment
from portal.survey.choices import AttachmentStatus
from portal.survey.sessions import scopes

_CLOCK = Actor(via="job")


@job(name="survey.attachment", title=gettext_lazy("Check of a file of a survey"), retry=3, queue="images")
def attachment_prepare(running: Running, *, attachment: str) -> dict[str, str]:
    """Look at one file and make its copies."""
    attachments.attachment_process(id=UUID(attachment))
    return {"attachmentId": attachment}


@periodic(cron="*/5 * * * *", name="survey.attachments_waiting")
def attachments_waiting() -> None:
    """Go on with files whose virus scan has spoken since, or whose preparation broke off."""
    old = clock.now() - attachments.AGAIN
    due = SurveyAttachment.objects.filter(
        status=AttachmentStatus.PROCESSING, deleted_at=None, confirmed_at__lt=old
    ).order_by("confirmed_at")
    for organization, id in list(due.values_list("organization_id", "pk")[:200]):
        with tenant(organization, by=_CLOCK):
            attachments.attachment_process(id=id)


@periodic(cron="50 * * * *", name="survey.sweep_attachments")
def sweep_attachments() -> None:
    """Forget what was announced and never came (C80)."""
    due = SurveyAttachment.objects.filter(
        status=AttachmentStatus.PENDING, deleted_at=None, created_at__lt=clock.now() - attachments.UNCONFIRMED
    )
    for organization in list(due.order_by().values_list("organization_id", flat=True).distinct()):
        with tenant(organization, by=_CLOCK):
            attachments.sweep()


@job(name="survey.touch", title=gettext_lazy("Data of a surveyor after a change of area"), retry=3)
def touch_rows(running: Running, *, user: str) -> None:
    """Give all that a surveyor holds a new version, so that their devices learn what left or entered their areas."""
    scopes.touch(UUID(user))


@periodic(cron="*/5 * * * *", name="survey.areas_by_clock")
def areas_by_clock() -> None:
    """Areas that began or ended with the time."""
    for organization, user in scopes.due():
        with tenant(organization, by=_CLOCK):
            scopes.areas_changed(user)
