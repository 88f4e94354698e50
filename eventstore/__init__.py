"""Waybill's event store: commits guarded by slots, pure deciders, projections with their checkpoint beside the rows.

It knows nothing of deliveries, Flask or HTTP. Start at `execute` (how a command becomes a commit) and at `ports`
(what an adapter promises).
"""
