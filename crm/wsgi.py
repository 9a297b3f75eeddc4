"""The web application, as any WSGI server loads it."""

import multiprocessing
import os

from django.core.wsgi import get_wsgi_application

from crm.tether import tether_to_parent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "crm.settings")

if server := multiprocessing.parent_process():  # a worker process of the server, not the server itself
    tether_to_parent(server.pid)

application = get_wsgi_application()
