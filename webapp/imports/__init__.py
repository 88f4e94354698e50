"""CSV imports of drivers, vehicles and routes: read, checked, kept for a day, and carried out in slices."""

import logging
import threading

from flask import Flask
from sqlalchemy.exc import SQLAlchemyError

from webapp.database import db
from webapp.imports.models import forget_old_imports

PURGE_EVERY_S = 900.0

log = logging.getLogger(__name__)


class Forgetting:
    """A thread that deletes imports whose time is over: they hold names and licences."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="forgets-imports", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(5)

    def _run(self) -> None:
        while True:
            with self._app.app_context():
                try:
                    forget_old_imports()
                except SQLAlchemyError as error:
                    db.session.rollback()
                    log.warning("old imports are still there: %s", type(error).__name__)
            if self._stopping.wait(PURGE_EVERY_S):
                return


def init_imports(app: Flask) -> None:
    """Forget old imports as long as Waybill runs."""
    app.extensions["waybill"].add_companion(Forgetting(app))
