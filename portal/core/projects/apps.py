from django.apps import AppConfig


class ProjectsConfig(AppConfig):
    name = "portal.core.projects"
    label = "projects"
