"""The settings of the server that the browser tests talk to: the database of the test that starts it."""

import os

from tests.settings import *  # noqa: F403

for _entry in DATABASES.values():  # noqa: F405
    _entry["NAME"] = os.environ["MARSAD_BROWSER_DATABASE"]
    _entry["HOST"] = os.environ["MARSAD_BROWSER_HOST"]
WHITENOISE_AUTOREFRESH = False
