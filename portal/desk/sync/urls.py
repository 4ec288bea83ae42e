"""Addresses of synchronisation: devices, transfers, conflicts."""

from django.urls import path

from portal.desk.sync import views

app_name = "sync"
urlpatterns = [
    path("sync", views.transfer_list, name="transfer_list"),
    path("sync/figures", views.figures, name="figures"),
    path("sync/conflicts", views.conflict_list, name="conflict_list"),
    path("sync/conflicts/<uuid:conflict_id>", views.conflict_detail, name="conflict_detail"),
    path("devices", views.device_list, name="device_list"),
    path("devices/<uuid:device_id>", views.device_detail, name="device_detail"),
    path("devices/<uuid:device_id>/status", views.device_status, name="device_status"),
]
