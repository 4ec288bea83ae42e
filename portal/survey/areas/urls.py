"""Addresses of the pages of areas."""

from django.urls import path

from portal.survey.areas.pages import views

urlpatterns = [
    path("geo", views.unit_tree, name="unit_tree"),
    path("geo/units/<uuid:unit_id>", views.unit_tree, name="unit_detail"),
    path("geo/assignments", views.assignment_list, name="assignment_list"),
    path("geo/assignments/new", views.assignment_create, name="assignment_create"),
    path("geo/assignments/<uuid:geo_assignment_id>/edit", views.assignment_edit, name="assignment_edit"),
    path("geo/assignments/<uuid:geo_assignment_id>/end", views.assignment_end, name="assignment_end"),
    path("geo/assignments/<uuid:geo_assignment_id>/delete", views.assignment_delete, name="assignment_delete"),
    path("geo/people/<uuid:user_id>", views.area_view, name="area_view"),
    path("geo/datasets", views.dataset_list, name="dataset_list"),
    path("geo/datasets/<uuid:dataset_id>", views.dataset_detail, name="dataset_detail"),
    path("geo/datasets/<uuid:dataset_id>/activate", views.dataset_activate, name="dataset_activate"),
    path("survey/denials", views.denial_list, name="denial_list"),
    path("survey/denials/<uuid:geo_decision_id>", views.denial_detail, name="denial_detail"),
]
