"""Addresses of files, and of what is shared of them."""

from django.urls import path

from portal.desk.files import public, views

app_name = "files"
urlpatterns = [
    path("files", views.file_list, name="file_list"),
    path("files/trash", views.trash_list, name="trash_list"),
    path("files/trash/act", views.trash_act, name="trash_act"),
    path("files/stats", views.stats, name="stats"),
    path("files/delete", views.files_delete, name="files_delete"),
    path("files/upload", views.upload_form, name="upload_form"),
    path("files/uploads", views.upload_begin, name="upload_begin"),
    path("files/uploads/<uuid:upload_id>", views.upload_state, name="upload_state"),
    path("files/uploads/<uuid:upload_id>/finish", views.upload_finish, name="upload_finish"),
    path("files/uploads/<uuid:upload_id>/<int:number>", views.upload_part, name="upload_part"),
    path("files/get/<str:token>", public.signed_get, name="signed_get"),
    path("files/put/<str:token>", public.signed_put, name="signed_put"),
    path("files/<uuid:file_id>", views.file_detail, name="file_detail"),
    path("files/<uuid:file_id>/edit", views.file_edit, name="file_edit"),
    path("files/<uuid:file_id>/download", views.file_download, name="file_download"),
    path("files/<uuid:file_id>/download/<int:number>", views.file_download, name="version_download"),
    path("files/<uuid:file_id>/versions", views.upload_form, name="version_form"),
    path("files/<uuid:file_id>/versions/<uuid:version_id>/restore", views.version_restore, name="version_restore"),
    path("files/<uuid:file_id>/scan", views.file_scan, name="file_scan"),
    path("files/<uuid:file_id>/share", views.share_create, name="share_create"),
    path("files/<uuid:file_id>/share/revoke", views.share_revoke, name="share_revoke"),
    path("s/<str:token>", public.share_page, name="share_page"),
]
