"""Addresses of a sample's life; included in those of the laboratory."""

from django.urls import path

from portal.lab.lifecycle import views

urlpatterns = [
    path("samples/bulk", views.bulk, name="sample_bulk"),
    path("samples/due", views.due_list, name="due_list"),
    path("samples/labels", views.label_page, name="labels"),
    path("samples/approval", views.approval, name="approval"),
    path("samples/<uuid:sample_id>/life", views.life, name="sample_life"),
    path("samples/<uuid:sample_id>/to/<slug:target>", views.step, name="sample_step"),
    path("samples/<uuid:sample_id>/custody", views.custody_add, name="custody_add"),
    path("samples/<uuid:sample_id>/custody.pdf", views.custody_pdf, name="custody_pdf"),
    path("samples/<uuid:sample_id>/analyses", views.analyses, name="sample_analyses"),
    path("samples/<uuid:sample_id>/analyses/<uuid:parameter_id>/start", views.analysis_start, name="analysis_start"),
    path("results/<uuid:result_id>/retest", views.retest, name="retest"),
    path("retests/<uuid:retest_id>/withdraw", views.retest_withdraw, name="retest_withdraw"),
]
