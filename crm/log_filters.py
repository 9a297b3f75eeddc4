"""What may a line of the log leave out?"""

from __future__ import annotations

import logging


class RefusalsWithoutTraceback(logging.Filter):
    """A request that was refused is one line: who may not is no fault of ours, and a traceback would say it is."""

    def filter(self, record: logging.LogRecord) -> bool:
        if 400 <= getattr(record, "status_code", 0) < 500:
            record.exc_info = None
        return True
