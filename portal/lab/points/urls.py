"""Addresses of sampling points, their programme, map and trends, part of the laboratory's."""

from django.urls import path

from portal.lab.points import programme, views
from portal.lab.trends import views as trends

urlpatterns = [
    path("points", views.point_list, name="point_list"),
    path("points.csv", views.point_csv, name="point_csv"),
    path("points/new", views.point_create, name="point_create"),
    path("points/import", views.point_import, name="point_import"),
    path("points/map", views.point_map, name="point_map"),
    path("points/features", views.point_features, name="point_features"),
    path("points/<uuid:sampling_point_id>", views.point_detail, name="point_detail"),
    path("points/<uuid:sampling_point_id>/history", views.point_history, name="point_history"),
    path("points/<uuid:sampling_point_id>/edit", views.point_edit, name="point_edit"),
    path("points/<uuid:sampling_point_id>/use", views.point_use, name="point_use"),
    path("points/<uuid:sampling_point_id>/delete", views.point_delete, name="point_delete"),
    path("programme", programme.due_list, name="programme"),
    path("programme.csv", programme.due_csv, name="programme_csv"),
    path("programme/calendar", programme.due_calendar, name="programme_calendar"),
    path("programme/items", programme.item_list, name="item_list"),
    path("programme/items/new", programme.item_create, name="item_create"),
    path("programme/items/<uuid:programme_item_id>/edit", programme.item_edit, name="item_edit"),
    path("programme/items/<uuid:programme_item_id>/delete", programme.item_delete, name="item_delete"),
    path("programme/items/<uuid:programme_item_id>/register", programme.item_register, name="item_register"),
    path("trends", trends.trend_page, name="trend_page"),
    path("trends.csv", trends.trend_csv, name="trend_csv"),
    path("trends.xlsx", trends.trend_xlsx, name="trend_xlsx"),
]
