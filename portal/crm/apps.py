from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "portal.crm"
    label = "crm"

    def ready(self) -> None:
        """Each part declares its rights, events, sources and menu entries itself, in its `register()`."""
        from portal.crm import search
        from portal.crm.contracts import room as contracts
        from portal.crm.customers import room as customers
        from portal.crm.sales import room as sales
        from portal.crm.tickets import room as tickets

        customers.register()
        contracts.register()
        sales.register()
        tickets.register()
        search.fill()
