from django.urls import path

from portal.ui import kept

app_name = "kept"
urlpatterns = [
    path("lists/filters", kept.filter_save, name="filter_save"),
    path("lists/filters/<uuid:saved_filter_id>/edit", kept.filter_edit, name="filter_edit"),
    path("lists/filters/<uuid:saved_filter_id>/delete", kept.filter_delete, name="filter_delete"),
    path("lists/view", kept.view_keep, name="view_keep"),
]
