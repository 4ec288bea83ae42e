"""Addresses of the pages of sales, in the namespace of the room."""

from django.urls import URLPattern, URLResolver, path

from portal.crm.sales.pages import board, deals, figures, settings

_ACTIVITY = "sales/<uuid:deal_id>/activities/<uuid:salesactivity_id>"
urlpatterns: list[URLPattern | URLResolver] = [
    path("sales", deals.sale_list, name="sale_list"),
    path("sales/export.<slug:kind>", deals.sale_export, name="sale_export"),
    path("sales/customers.json", deals.sale_customers, name="sale_customers"),
    path("sales/new", deals.sale_create, name="sale_create"),
    path("sales/bulk", deals.sale_bulk, name="sale_bulk"),
    path("sales/pipeline", board.pipeline, name="sale_pipeline"),
    path("sales/pipeline/<uuid:deal_id>/move", board.board_move, name="sale_board_move"),
    path("sales/forecast", figures.forecast_page, name="sale_forecast"),
    path("sales/analytics", figures.analytics_page, name="sale_analytics"),
    path("sales/leaderboard", figures.leaderboard_page, name="sale_leaderboard"),
    path("sales/<uuid:deal_id>", deals.sale_detail, name="sale_detail"),
    path("sales/<uuid:deal_id>/edit", deals.sale_edit, name="sale_edit"),
    path("sales/<uuid:deal_id>/delete", deals.sale_delete, name="sale_delete"),
    path("sales/<uuid:deal_id>/clone", deals.sale_clone, name="sale_clone"),
    path("sales/<uuid:deal_id>/move", deals.sale_move, name="sale_move"),
    path("sales/<uuid:deal_id>/activities", deals.activity_add, name="sale_activity_add"),
    path(f"{_ACTIVITY}/done", deals.activity_done, name="sale_activity_done"),
    path(f"{_ACTIVITY}/delete", deals.activity_delete, name="sale_activity_delete"),
    path("sales/<uuid:deal_id>/files", deals.file_add, name="sale_file_add"),
    path("crm/settings/stages", settings.stage_list, name="stage_list"),
    path("crm/settings/stages/new", settings.stage_form, name="stage_create"),
    path("crm/settings/stages/<uuid:stage_id>", settings.stage_form, name="stage_edit"),
    path("crm/settings/stages/<uuid:stage_id>/delete", settings.stage_delete, name="stage_delete"),
    path("crm/settings/products", settings.product_list, name="product_list"),
    path("crm/settings/products/new", settings.product_form, name="product_create"),
    path("crm/settings/products/<uuid:product_id>", settings.product_form, name="product_edit"),
    path("crm/settings/products/<uuid:product_id>/delete", settings.product_delete, name="product_delete"),
    path("crm/settings/targets", settings.quota_list, name="quota_list"),
]
