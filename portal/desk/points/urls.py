"""Addresses of a customer's sampling points."""

from django.urls import path

from portal.desk.points import views

app_name = "points"
urlpatterns = [
    path("customers/<uuid:customer_id>/points", views.point_add, name="add"),
    path("customers/<uuid:customer_id>/points/<uuid:sampling_point_id>/remove", views.point_remove, name="remove"),
]
