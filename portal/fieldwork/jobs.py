"""Background work of the fieldwork room."""

from django.utils.translation import gettext_lazy

from portal.core.jobs.tasks import Running, job
from portal.fieldwork.images.models import Image


@job(name="fieldwork.image", title=gettext_lazy("Copies of an image"), retry=3, queue="images")
def image_prepare(running: Running, *, image: str) -> dict[str, str]:
    """Make the copies of one image."""
    from portal.fieldwork.images import services

    found = Image.objects.select_related("original").filter(pk=image, deleted_at=None).first()
    if found is not None:
        services.image_process(image=found, progress=running.progress)
    return {"imageId": image}
