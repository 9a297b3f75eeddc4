"""The web application at the hour of the benchmark's data (BENCH_NOW), for a server process of its own."""

import os
from datetime import datetime

import time_machine

time_machine.travel(datetime.fromisoformat(os.environ["BENCH_NOW"]), tick=True).start()

from crm.wsgi import application as application  # noqa: E402
