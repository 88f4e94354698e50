"""Waybill's services. They form a line: deliveries → routes → fleet; each imports only the public events, states and
queries of one to its right. File names are the same in each: commands, events, <aggregate>, service, projections,
queries."""
