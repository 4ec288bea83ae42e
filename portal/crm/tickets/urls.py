"""Addresses of the pages of tickets and of what they are ruled by."""

from django.urls import path

from portal.crm.tickets.pages import settings, tickets

_TICKET = "tickets/<uuid:ticket_id>"
urlpatterns = [
    path("customers/<uuid:customer_id>/tickets", tickets.customer_tickets, name="customer_tickets"),
    path("tickets", tickets.ticket_list, name="ticket_list"),
    path("tickets/board", tickets.ticket_board, name="ticket_board"),
    path("tickets/sla", tickets.ticket_sla, name="ticket_sla"),
    path("tickets/new", tickets.ticket_create, name="ticket_create"),
    path("tickets/bulk", tickets.ticket_bulk, name="ticket_bulk"),
    path("tickets/export.<slug:kind>", tickets.ticket_export, name="ticket_export"),
    path(_TICKET, tickets.ticket_detail, name="ticket_detail"),
    path(f"{_TICKET}/edit", tickets.ticket_edit, name="ticket_edit"),
    path(f"{_TICKET}/history", tickets.ticket_history, name="ticket_history"),
    path(f"{_TICKET}/delete", tickets.ticket_delete, name="ticket_delete"),
    path(f"{_TICKET}/status", tickets.ticket_step, name="ticket_step"),
    path(f"{_TICKET}/move", tickets.ticket_move, name="ticket_move"),
    path(f"{_TICKET}/assign", tickets.ticket_assign, name="ticket_assign"),
    path(f"{_TICKET}/merge", tickets.ticket_merge, name="ticket_merge"),
    path(f"{_TICKET}/reply", tickets.ticket_reply, name="ticket_reply"),
    path(f"{_TICKET}/comments/<uuid:comment_id>/edit", tickets.comment_edit, name="ticket_comment_edit"),
    path(f"{_TICKET}/comments/<uuid:comment_id>/delete", tickets.comment_delete, name="ticket_comment_delete"),
    path(
        f"{_TICKET}/attachments/<uuid:attachment_id>/delete",
        tickets.attachment_delete,
        name="ticket_attachment_delete",
    ),
    path("crm/settings/tickets", settings.category_list, name="ticket_settings"),
    path("crm/settings/tickets/rules", settings.rules_save, name="ticket_rules"),
    path("crm/settings/tickets/categories/new", settings.category_form, name="ticket_category_create"),
    path("crm/settings/tickets/categories/<uuid:category_id>", settings.category_form, name="ticket_category_edit"),
    path(
        "crm/settings/tickets/categories/<uuid:category_id>/delete",
        settings.category_delete,
        name="ticket_category_delete",
    ),
    path("crm/settings/calendars", settings.calendar_list, name="sla_calendar_list"),
    path("crm/settings/calendars/new", settings.calendar_form, name="sla_calendar_create"),
    path("crm/settings/calendars/<uuid:calendar_id>", settings.calendar_form, name="sla_calendar_edit"),
    path("crm/settings/calendars/<uuid:calendar_id>/holidays", settings.holidays, name="sla_calendar_holidays"),
    path("crm/settings/calendars/<uuid:calendar_id>/delete", settings.calendar_delete, name="sla_calendar_delete"),
    path("crm/settings/policies", settings.policy_list, name="sla_policy_list"),
    path("crm/settings/policies/new", settings.policy_form, name="sla_policy_create"),
    path("crm/settings/policies/<uuid:policy_id>", settings.policy_form, name="sla_policy_edit"),
    path("crm/settings/policies/<uuid:policy_id>/delete", settings.policy_delete, name="sla_policy_delete"),
    path("crm/settings/policies/<uuid:policy_id>/reapply", settings.policy_reapply, name="sla_policy_reapply"),
]
