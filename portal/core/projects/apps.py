from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "portal.core.projects"
    label = "projects"

    def ready(self) -> None:
        from portal.core.accounts import figures
        from portal.core.accounts import permissions as rights
        from portal.core.accounts import projects as membership
        from portal.core.notifications import events, kinds
        from portal.core.projects import collections
        from portal.core.projects.events import EVENTS, KINDS
        from portal.core.projects.members import Members
        from portal.core.projects.permissions import PERMISSIONS
        from portal.core.projects.selectors import figures_of_platform

        rights.register(PERMISSIONS)
        events.register(EVENTS)
        kinds.register(*KINDS)
        collections.register()
        membership.register(Members())
        figures.register_projects(figures_of_platform)
