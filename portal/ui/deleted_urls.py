from django.urls import path

from portal.ui import deleted

app_name = "deleted"
urlpatterns = [
    path("deleted", deleted.deleted_list, name="list"),
    path("deleted/restore", deleted.deleted_restore, name="restore"),
    path("deleted/<slug:kind>", deleted.deleted_list, name="of_kind"),
]
