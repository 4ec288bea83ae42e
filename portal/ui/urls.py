from allauth.account.views import login, logout
from django.urls import path

from portal.ui import views

urlpatterns = [
    path("login", login, name="login"),
    path("logout", logout, name="logout"),
    path("language", views.set_language, name="set_language"),
]
