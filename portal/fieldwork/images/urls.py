"""Addresses of the image pages; `urlpatterns` is included at the root."""

from django.urls import path

from portal.fieldwork.images import views

app_name = "images"
urlpatterns = [
    path("images", views.image_list, name="list"),
    path("images/map", views.image_map, name="map"),
    path("images/new", views.image_upload, name="upload"),
    path("images/attach", views.image_attach, name="attach"),
    path("images/<uuid:image_id>", views.image_detail, name="detail"),
    path("images/<uuid:image_id>/original", views.image_original, name="original"),
    path("images/<uuid:image_id>/retry", views.image_retry, name="retry"),
    path("images/<uuid:image_id>/delete", views.image_delete, name="delete"),
    path("images/<uuid:image_id>/<slug:size>", views.image_copy, name="copy"),
    path("projects/<uuid:project_id>/images", views.image_list, name="project"),
    path("projects/<uuid:project_id>/images/map", views.image_map, name="project_map"),
    path("tasks/<uuid:task_id>/images", views.image_list, name="task"),
    path("tasks/<uuid:task_id>/images/map", views.image_map, name="task_map"),
]
