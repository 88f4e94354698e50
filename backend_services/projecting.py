"""All services together: their codec, their projections, and read models that fit the log they are built from."""

import logging

from sqlalchemy import Engine, inspect, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from backend_services.deliveries.events import EVENTS as DELIVERY_EVENTS
from backend_services.deliveries.projections import DeliveryProjection
from backend_services.fleet.events import EVENTS as FLEET_EVENTS
from backend_services.fleet.projections import FleetProjection
from backend_services.read_models import READ_MODEL_VERSION, ReadModel
from backend_services.routes.events import EVENTS as ROUTE_EVENTS
from backend_services.routes.projections import RouteProjection
from eventstore.codec import Codec
from eventstore.projections import CheckpointModel, Consumer, ConsumerRunner, WrongLog

log = logging.getLogger(__name__)


class ReadModelVersion(ReadModel):
    """Which version of the tables and projections wrote the rows."""

    __tablename__ = "read_model_version"

    version: Mapped[int] = mapped_column(primary_key=True)


def build_codec() -> Codec:
    """The codec of every event there is."""
    return Codec([*FLEET_EVENTS, *ROUTE_EVENTS, *DELIVERY_EVENTS])


def all_projections() -> list[Consumer]:
    """One projection per service."""
    return [FleetProjection(), RouteProjection(), DeliveryProjection()]


def prepare_read_models(engine: Engine, runner: ConsumerRunner) -> None:
    """Create the tables. Empty them when they were written by another version of this program, from another log, or
    from a newer state of this one (a restored backup); the runner then builds them anew."""
    if _stored_version(engine) not in (None, READ_MODEL_VERSION):
        log.warning("the read models are of another version; they are built anew")
        _drop(engine)
    _create(engine)
    try:
        runner.prepare()
    except WrongLog as wrong:
        log.warning("the read models don't fit the event store (%s); they are built anew", wrong)
        _drop(engine)
        _create(engine)
        runner.prepare()


def _stored_version(engine: Engine) -> int | None:
    if not inspect(engine).has_table(ReadModelVersion.__tablename__):
        return None
    with Session(engine) as session:
        return session.scalar(select(ReadModelVersion.version))


def _create(engine: Engine) -> None:
    ReadModel.metadata.create_all(engine)
    with Session(engine) as session, session.begin():
        session.merge(ReadModelVersion(version=READ_MODEL_VERSION))


def _drop(engine: Engine) -> None:
    ReadModel.metadata.drop_all(engine)
    CheckpointModel.metadata.drop_all(engine)
