from portal.formats.laboratory import *  # noqa: F403  (Django looks for a module for each language)
