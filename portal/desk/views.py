"""The pages that stand above the rooms."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from portal.core.accounts.policy import signed_in


@signed_in
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "desk/home.html")
