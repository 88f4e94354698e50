"""What events make happen in the accounts: a suspended driver is signed out."""

import logging
from contextlib import suppress
from typing import ClassVar

from flask import Flask
from sqlalchemy import Engine, delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from backend_services.fleet.commands import DriverStatus
from backend_services.fleet.events import DriverStatusChanged
from eventstore.codec import Event
from eventstore.projections import Checkpoint, WrongLog
from eventstore.reactors import ReactorRunner
from eventstore.records import RecordedEvent
from webapp.accounts.sign_in import end_sign_ins_of_driver
from webapp.database import db
from webapp.wiring import Waybill

log = logging.getLogger(__name__)


class SuspendedDriversAreSignedOut:
    """Ends the sign-ins of a driver who is suspended, in the transaction that moves the checkpoint."""

    name = "suspended-drivers-are-signed-out"
    event_types: ClassVar[frozenset[str]] = frozenset({DriverStatusChanged.TYPE})

    def apply(self, session: Session, recorded: RecordedEvent, event: Event) -> None:
        """One change of a driver's status."""
        if isinstance(event, DriverStatusChanged) and event.new_status == DriverStatus.SUSPENDED:
            end_sign_ins_of_driver(session, event.driver_id)


def start_with(app: Flask, waybill: Waybill) -> None:
    """Run the reactors as long as Waybill runs; their checkpoints are in the accounts database."""
    reactor = SuspendedDriversAreSignedOut()
    with app.app_context():
        engine = db.engines["accounts"]
    runner = ReactorRunner(waybill.store, waybill.codec, engine, [reactor])
    try:
        runner.prepare()
    except WrongLog as wrong:
        # The event store was replaced or restored; what this reactor does may be done again.
        log.warning("%s; it starts again", wrong)
        with Session(engine) as session, session.begin():
            session.execute(delete(Checkpoint).where(Checkpoint.name == reactor.name))
        runner.prepare()
    _make_checkpoint(engine, reactor.name, waybill.store.store_id)
    waybill.add_companion(runner)


def _make_checkpoint(engine: Engine, name: str, store_id: str) -> None:
    """The reactors of several processes wait for each other at its row, so it must be there before they begin."""
    with suppress(IntegrityError), Session(engine) as session, session.begin():  # another process made it
        if session.get(Checkpoint, name) is None:
            session.add(Checkpoint(name=name, store_id=store_id, log_position=0))
