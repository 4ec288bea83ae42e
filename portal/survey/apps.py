from django.apps import AppConfig


class SurveyConfig(AppConfig):
    name = "portal.survey"
    label = "survey"

    def ready(self) -> None:
        """Each part declares its rights, events, collections and menu entries itself, in its `register()`."""
        from portal.survey import search
        from portal.survey.areas import room as areas
        from portal.survey.pages import room as pages
        from portal.survey.sessions import room as sessions

        areas.register()
        sessions.register()
        pages.register()
        search.fill()
