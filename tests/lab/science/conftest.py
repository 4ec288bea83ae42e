"""These tests need no database. Run on their own, without the Django plugin, they need just enough settings to turn a
lazy message into text."""

import os

from django.conf import settings

if not settings.configured and "DJANGO_SETTINGS_MODULE" not in os.environ:
    settings.configure(USE_I18N=False)
