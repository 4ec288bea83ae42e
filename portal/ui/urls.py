from allauth.account.views import account_inactive, login, logout
from django.urls import path

from portal.ui import views

urlpatterns = [
    path("login", login, name="login"),
    path("logout", logout, name="logout"),
    path("language", views.set_language, name="set_language"),
    # allauth looks its own pages up by these names; the addresses stay ours.
    path("login", login, name="account_login"),
    path("logout", logout, name="account_logout"),
    path("login/inactive", account_inactive, name="account_inactive"),
]
