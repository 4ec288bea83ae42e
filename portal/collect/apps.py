from django.apps import AppConfig


class CollectConfig(AppConfig):
    name = "portal.collect"
    label = "collect"

    def ready(self) -> None:
        """Each part declares its rights, events, collections and menu entries itself, in its `register()`."""
        from portal.collect import search
        from portal.collect.charts import room as charts
        from portal.collect.forms import room as forms
        from portal.collect.forms.pages import room as pages

        forms.register()
        pages.register()
        charts.register()
        search.fill()
