"""Addresses of the worksheet pages, part of the laboratory's."""

from django.urls import path

from portal.lab.worksheets import views

urlpatterns = [
    path("worksheets", views.worksheet_list, name="worksheet_list"),
    path("worksheets/new", views.worksheet_create, name="worksheet_create"),
    path("worksheets/<uuid:worksheet_id>", views.worksheet_detail, name="worksheet_detail"),
    path("worksheets/<uuid:worksheet_id>/entry", views.worksheet_entry, name="worksheet_entry"),
    path("worksheets/<uuid:worksheet_id>/check", views.worksheet_check, name="worksheet_check"),
    path("worksheets/<uuid:worksheet_id>/edit", views.worksheet_edit, name="worksheet_edit"),
    path("worksheets/<uuid:worksheet_id>/positions", views.item_add, name="worksheet_items"),
    path(
        "worksheets/<uuid:worksheet_id>/positions/<uuid:worksheet_item_id>/remove",
        views.item_remove,
        name="worksheet_item_remove",
    ),
    path(
        "worksheets/<uuid:worksheet_id>/positions/<uuid:worksheet_item_id>/move",
        views.item_place,
        name="worksheet_item_move",
    ),
    path("worksheets/<uuid:worksheet_id>/state", views.worksheet_state, name="worksheet_state"),
    path("worksheets/<uuid:worksheet_id>/complete", views.worksheet_complete, name="worksheet_complete"),
    path("worksheets/<uuid:worksheet_id>/reopen", views.worksheet_reopen, name="worksheet_reopen"),
    path("worksheets/<uuid:worksheet_id>/decide", views.worksheet_decide, name="worksheet_decide"),
    path("worksheets/<uuid:worksheet_id>/verify", views.worksheet_verify, name="worksheet_verify"),
    path("worksheets/<uuid:worksheet_id>/delete", views.worksheet_delete, name="worksheet_delete"),
    path("worksheets/<uuid:worksheet_id>/pdf", views.worksheet_pdf, name="worksheet_pdf"),
]
