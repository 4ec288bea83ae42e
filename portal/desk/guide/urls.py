from django.urls import path

from portal.desk.guide import views

app_name = "guide"
urlpatterns = [
    path("help", views.help_page, name="help"),
    path("start", views.start_put, name="start_put"),
]
