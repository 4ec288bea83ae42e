"""Addresses of the pages of customers, sales, tickets and contracts."""

from django.urls import URLPattern, URLResolver

from portal.crm.contracts.urls import urlpatterns as contracts
from portal.crm.customers.urls import urlpatterns as customers
from portal.crm.sales.urls import urlpatterns as sales

app_name = "crm"
urlpatterns: list[URLPattern | URLResolver] = [
    *customers,
    *sales,
    *contracts,
]
