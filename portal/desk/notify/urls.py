"""Addresses of one's own notifications, and of messages to people."""

from django.urls import path

from portal.desk.notify import inbox, messages, sending, templates

app_name = "notify"
urlpatterns = [
    path("notifications", inbox.inbox, name="inbox"),
    path("notifications/bell", inbox.bell, name="bell"),
    path("notifications/read-all", inbox.read_all, name="read_all"),
    path("notifications/push", inbox.push, name="push"),
    path("notifications/<uuid:notification_id>/open", inbox.open_one, name="open"),
    path("notifications/<uuid:notification_id>/read", inbox.read, name="read"),
    path("notifications/<uuid:notification_id>/delete", inbox.delete, name="delete"),
    path("me/preferences/notifications", inbox.preferences, name="preferences"),
    path("unsubscribe/<str:token>", inbox.unsubscribe, name="unsubscribe"),
    path("notify/templates", templates.template_list, name="templates"),
    path("notify/templates/new", templates.template_create, name="template_create"),
    path("notify/templates/<uuid:template_id>", templates.template_edit, name="template"),
    path("notify/templates/<uuid:template_id>/preview", templates.template_preview, name="template_preview"),
    path("notify/templates/<uuid:template_id>/test", templates.template_test, name="template_test"),
    path("notify/templates/<uuid:template_id>/restore", templates.template_restore, name="template_restore"),
    path("notify/templates/<uuid:template_id>/delete", templates.template_delete, name="template_delete"),
    path("notify/compose", sending.compose, name="compose"),
    path("notify/queue", messages.queue, name="queue"),
    path("notify/queue/<uuid:notification_id>", messages.message, name="message"),
    path("notify/queue/<uuid:notification_id>/retry", messages.retry, name="retry"),
    path("notify/queue/<uuid:notification_id>/cancel", messages.cancel, name="cancel"),
    path("notify/stats", messages.stats, name="stats"),
    path("notify/suppressed", messages.suppressed, name="suppressed"),
    path("notify/suppressed/<uuid:suppression_id>/remove", messages.suppression_remove, name="suppression_remove"),
]
