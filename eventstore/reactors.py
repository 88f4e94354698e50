"""Reactors: what an event makes happen outside the read models (ending sign-ins, mail, webhooks, sagas).

A reactor is a `Consumer` of `eventstore.projections` whose checkpoint lives in a database that is never rebuilt.
What it changes in that same database happens exactly once; what it does elsewhere happens at least once, so it must
bear being repeated. Run reactors with a `ConsumerRunner` of their own: a slow mail server must not hold up the board.
"""

from eventstore.projections import Consumer as Reactor
from eventstore.projections import ConsumerRunner as ReactorRunner

__all__ = ["Reactor", "ReactorRunner"]
