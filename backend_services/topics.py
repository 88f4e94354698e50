"""Which Kafka topic a stream's events travel in."""

from eventstore.lanes import Topics

TOPICS = Topics(
    {
        "driver": "fleet-management-events",
        "vehicle": "fleet-management-events",
        "route": "route-management-events",
        "delivery": "delivery-tracking-events",
    }
)
