"""The whole journey over HTTP, and every refusal of the domain's rules, on a running server."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from tests.journey.city import (
    add_delivery,
    add_driver,
    add_route,
    add_vehicle,
    delivery,
    iso,
    move,
    ok,
    prove,
    reach,
    refused,
    soon,
)
from tests.journey.server import Server


@pytest.fixture(scope="module", autouse=True, params=["first", "again on the same data folder"])
def time_round(request: pytest.FixtureRequest, server: Server) -> str:
    """Everything here runs twice, against the same server and data."""
    return f"{request.param} at {server.url}"


def test_a_delivery_goes_from_plan_to_proof(http: httpx.Client) -> None:
    driver_id, vehicle_id = add_driver(http), add_vehicle(http)
    route_id = add_route(http, stops=2)
    route = ok(http.get(f"/api/routes/{route_id}"))
    assert route["status"] == "Active"
    assert route["scheduledEndTime"] == route["checkpoints"][-1]["expectedTime"]

    delivery_id = add_delivery(http, route_id, driver_id, vehicle_id)
    assert delivery(http, delivery_id)["status"] == "PickedUp"
    assert ok(http.get(f"/api/fleet/drivers/{driver_id}"))["status"] == "Assigned"

    assert ok(move(http, delivery_id, "InTransit", expectedStatus="PickedUp"))["status"] == "InTransit"
    live = ok(http.get("/api/deliveries/live-tracking"))["activeDeliveries"]
    mine = next(item for item in live if item["deliveryId"] == delivery_id)
    assert (mine["driverName"], mine["lastLocation"]) == ("Aino Virta", None)

    ok(reach(http, delivery_id, route_id, 1))
    assert delivery(http, delivery_id)["checkpoints"][0]["reachedAt"] is not None
    incident = ok(
        http.post(f"/api/deliveries/{delivery_id}/incidents", json={"type": "Traffic", "description": "Jam"})
    )
    ok(reach(http, delivery_id, route_id, 2))
    assert delivery(http, delivery_id)["status"] == "OutForDelivery"

    ok(prove(http, delivery_id))
    done = delivery(http, delivery_id)
    assert (done["status"], done["receiverName"]) == ("Delivered", "Reception")
    assert done["deliveredAt"].endswith("Z")
    assert ok(http.get(f"/api/fleet/drivers/{driver_id}"))["status"] == "Available"
    assert ok(http.get(f"/api/fleet/vehicles/{vehicle_id}"))["bookings"] == []
    ok(http.patch(f"/api/deliveries/{delivery_id}/incidents/{incident['id']}/resolve"))

    summary = ok(http.get(f"/api/deliveries/{delivery_id}/completed-summary"))
    assert [entry["eventType"] for entry in summary["timeline"]] == [
        "DeliveryCreated",
        "DeliveryStatusChanged",
        "CheckpointReached",
        "IncidentReported",
        "CheckpointReached",
        "DeliveryStatusChanged",
        "ProofOfDeliveryCaptured",
        "DeliveryStatusChanged",
        "IncidentResolved",
    ]
    assert summary["driver"] == "Aino Virta"
    assert all(stop["differenceSeconds"] < 0 for stop in summary["checkpoints"])
    overview = ok(http.get("/api/routes/overview"))["routes"]
    stops = next(item for item in overview if item["routeId"] == route_id)["checkpoints"]
    assert {stop["status"] for stop in stops} == {"Reached"}


class TestFleet:
    def test_duplicates_are_accepted_with_warnings(self, http: httpx.Client) -> None:
        body = {"name": "Twin", "driverLicense": f"L-{uuid4()}"}
        first = ok(http.post("/api/fleet/drivers", json=body))
        second = ok(http.post("/api/fleet/drivers", json=body))
        assert second["warnings"][0]["code"] == "duplicate_driver_license"
        assert second["warnings"][0]["driverId"] == first["id"]

    def test_a_taken_id_is_a_conflict(self, http: httpx.Client) -> None:
        driver_id = add_driver(http)
        body = {"id": driver_id, "name": "A", "driverLicense": "B"}
        refused(http.post("/api/fleet/drivers", json=body), 409, "driver_exists")

    def test_empty_names_are_refused_at_the_field(self, http: httpx.Client) -> None:
        answer = http.post("/api/fleet/drivers", json={"name": " ", "driverLicense": "B"})
        assert "name" in refused(answer, 400, "malformed_request")["errors"]

    def test_assigned_cannot_be_set(self, http: httpx.Client) -> None:
        url = f"/api/fleet/drivers/{add_driver(http)}/status"
        refused(http.patch(url, json={"status": "Assigned"}), 400, "status_is_derived")

    def test_a_booked_driver_or_vehicle_keeps_its_status(self, http: httpx.Client) -> None:
        driver_id, vehicle_id = add_driver(http), add_vehicle(http)
        delivery_id = add_delivery(http, add_route(http), driver_id, vehicle_id)
        answer = http.patch(f"/api/fleet/drivers/{driver_id}/status", json={"status": "Suspended"})
        assert refused(answer, 400, "driver_is_booked")["deliveryId"] == delivery_id
        answer = http.patch(f"/api/fleet/vehicles/{vehicle_id}/status", json={"status": "Maintenance"})
        assert refused(answer, 400, "vehicle_is_booked")["deliveryId"] == delivery_id

    @pytest.mark.parametrize("status", ["Unavailable", "Suspended"])
    def test_an_unavailable_driver_is_not_booked(self, http: httpx.Client, status: str) -> None:
        driver_id = add_driver(http)
        ok(http.patch(f"/api/fleet/drivers/{driver_id}/status", json={"status": status, "reason": "ill"}))
        body = {"routeId": add_route(http), "driverId": driver_id}
        refused(http.post("/api/deliveries", json=body), 400, "driver_not_available")

    @pytest.mark.parametrize("status", ["Maintenance", "OutOfService"])
    def test_a_vehicle_in_the_workshop_is_not_booked(self, http: httpx.Client, status: str) -> None:
        vehicle_id = add_vehicle(http)
        ok(http.patch(f"/api/fleet/vehicles/{vehicle_id}/status", json={"status": status}))
        body = {"routeId": add_route(http), "vehicleId": vehicle_id}
        refused(http.post("/api/deliveries", json=body), 400, "vehicle_not_available")

    def test_lists_page_by_cursor_without_gaps_or_repeats(self, http: httpx.Client) -> None:
        mark = f"Pager {uuid4()}"
        added = {add_driver(http, f"{mark} {number}") for number in range(5)}
        seen: list[str] = []
        cursor: str | None = ""
        while cursor is not None:
            page = ok(http.get("/api/fleet/drivers", params={"q": mark, "limit": 2, "cursor": cursor}))
            seen += [item["driverId"] for item in page["items"]]
            cursor = page["nextCursor"]
        assert sorted(seen) == sorted(added)

    def test_the_overview_counts_every_status(self, http: httpx.Client) -> None:
        driver_id = add_driver(http)
        delivery_id = add_delivery(http, add_route(http), driver_id, add_vehicle(http))
        overview = ok(http.get("/api/fleet/overview"))
        assert set(overview["counts"]["drivers"]) == {"Available", "Assigned", "Unavailable", "Suspended"}
        mine = next(item for item in overview["drivers"] if item["driverId"] == driver_id)
        assert mine["currentDeliveryId"] == delivery_id


class TestRoutes:
    def test_checkpoints_keep_sequence_and_time_in_order(self, http: httpx.Client) -> None:
        start = soon()
        route_id = add_route(http, start, stops=3, active=False)
        url = f"/api/routes/{route_id}/checkpoints"

        def checkpoint(sequence: int, minutes: int) -> dict[str, object]:
            expected = iso(start + timedelta(minutes=minutes))
            return {"sequence": sequence, "location": "X", "expectedTime": expected}

        refused(http.post(url, json=checkpoint(3, 90)), 400, "sequence_not_greater")
        refused(http.post(url, json=checkpoint(4, 60)), 400, "checkpoint_time_out_of_order")
        refused(http.put(url, json=checkpoint(2, 20)), 400, "checkpoint_time_out_of_order")
        refused(http.put(url, json=checkpoint(2, 60)), 400, "checkpoint_time_out_of_order")
        refused(http.put(url, json=checkpoint(1, 0)), 400, "checkpoint_time_out_of_order")
        refused(http.put(url, json=checkpoint(9, 45)), 404, "checkpoint_not_found")
        ok(http.put(url, json=checkpoint(2, 41)))
        ok(http.delete(f"{url}/3"))
        assert ok(http.get(f"/api/routes/{route_id}"))["scheduledEndTime"] == iso(
            start + timedelta(minutes=41)
        )
        refused(http.delete(f"{url}/3"), 404, "checkpoint_not_found")

    def test_checkpoints_change_only_in_planning(self, http: httpx.Client) -> None:
        route_id = add_route(http)
        url = f"/api/routes/{route_id}/checkpoints"
        body = {"sequence": 9, "location": "X", "expectedTime": iso(soon(600))}
        refused(http.post(url, json=body), 400, "route_not_in_planning")
        refused(http.delete(f"{url}/1"), 400, "route_not_in_planning")

    def test_a_route_in_use_keeps_its_times_and_stays_active(self, http: httpx.Client) -> None:
        start = soon()
        route_id = add_route(http, start)
        delivery_id = add_delivery(http, route_id)
        body = {"origin": "A", "destination": "B", "scheduledStartTime": iso(start - timedelta(minutes=5))}
        answer = http.put(f"/api/routes/{route_id}", json=body)
        assert refused(answer, 400, "route_in_use")["deliveryIds"] == [delivery_id]
        answer = http.patch(f"/api/routes/{route_id}/status", json={"status": "Deactivated"})
        refused(answer, 400, "route_in_use")
        ok(move(http, delivery_id, "Failed", reason="cancelled_by_dispatcher"))
        ok(http.put(f"/api/routes/{route_id}", json=body))
        ok(http.patch(f"/api/routes/{route_id}/status", json={"status": "Deactivated"}))
        refused(http.post("/api/deliveries", json={"routeId": route_id}), 400, "route_not_active")

    def test_the_start_stays_before_the_first_checkpoint(self, http: httpx.Client) -> None:
        start = soon()
        route_id = add_route(http, start)
        body = {"origin": "A", "destination": "B", "scheduledStartTime": iso(start + timedelta(minutes=20))}
        refused(http.put(f"/api/routes/{route_id}", json=body), 400, "start_after_first_checkpoint")

    def test_statuses_change_one_way_and_the_present_one_changes_nothing(self, http: httpx.Client) -> None:
        url = f"/api/routes/{add_route(http, active=False)}/status"
        answer = refused(http.patch(url, json={"status": "Deactivated"}), 400, "illegal_transition")
        assert answer["allowedTransitions"] == ["Active"]
        for status in ("Active", "Active", "Deactivated", "Deactivated", "Active"):
            assert ok(http.patch(url, json={"status": status}))["status"] == status


class TestBooking:
    def test_a_clash_names_the_other_delivery_and_offers_alternatives(self, http: httpx.Client) -> None:
        start = soon()
        driver_id, other = add_driver(http), add_driver(http)
        first = add_delivery(http, add_route(http, start), driver_id)
        second = {"routeId": add_route(http, start + timedelta(minutes=25)), "driverId": driver_id}
        conflict = refused(http.post("/api/deliveries", json=second), 400, "booking_conflict")["conflict"]
        assert conflict["resource"] == "driver"
        assert conflict["resourceId"] == driver_id
        assert conflict["deliveryId"] == first
        assert (conflict["start"], conflict["end"]) == (iso(start), iso(start + timedelta(minutes=40)))
        assert conflict["overlapMinutes"] == 15
        kinds = [alternative["kind"] for alternative in conflict["alternatives"]]
        assert kinds[-1] == "time"
        assert len(kinds) <= 3
        assert conflict["alternatives"][-1]["start"] == iso(start + timedelta(minutes=40))
        assert other  # somebody else is free, so a driver is offered
        assert "driver" in kinds

    def test_back_to_back_is_allowed(self, http: httpx.Client) -> None:
        start = soon()
        driver_id = add_driver(http)
        add_delivery(http, add_route(http, start), driver_id)
        add_delivery(http, add_route(http, start + timedelta(minutes=40)), driver_id)

    def test_a_booking_is_at_least_thirty_minutes(self, http: httpx.Client) -> None:
        start = soon()
        driver_id = add_driver(http)
        add_delivery(http, add_route(http, start, stops=0), driver_id)
        body = {"routeId": add_route(http, start + timedelta(minutes=29)), "driverId": driver_id}
        refused(http.post("/api/deliveries", json=body), 400, "booking_conflict")

    def test_assigning_moves_the_booking(self, http: httpx.Client) -> None:
        route_id = add_route(http)
        old, new, vehicle_id = add_driver(http), add_driver(http), add_vehicle(http)
        delivery_id = add_delivery(http, route_id, old)
        url = f"/api/deliveries/{delivery_id}"
        ok(http.patch(f"{url}/assign-driver", json={"driverId": new}))
        ok(http.patch(f"{url}/assign-vehicle", json={"vehicleId": vehicle_id}))
        assert ok(http.get(f"/api/fleet/drivers/{old}"))["status"] == "Available"
        assert ok(http.get(f"/api/fleet/drivers/{new}"))["bookings"][0]["deliveryId"] == delivery_id
        ok(move(http, delivery_id, "InTransit"))
        refused(http.patch(f"{url}/assign-driver", json={"driverId": old}), 400, "delivery_already_started")

    def test_fifty_bookings_of_one_driver_leave_one(self, http: httpx.Client) -> None:
        start = soon()
        driver_id = add_driver(http)
        routes = [add_route(http, start + timedelta(minutes=number % 5), stops=1) for number in range(50)]

        def book(route_id: str) -> httpx.Response:
            return http.post("/api/deliveries", json={"routeId": route_id, "driverId": driver_id})

        with ThreadPoolExecutor(50) as pool:
            responses = list(pool.map(book, routes))
        won = [response for response in responses if response.status_code == 200]
        assert len(won) == 1
        winner = won[0].json()["id"]
        for response in responses:
            if response is not won[0]:
                conflict = refused(response, 400, "booking_conflict")["conflict"]
                assert conflict["deliveryId"] == winner
                assert conflict["alternatives"]


class TestDelivery:
    def test_only_the_listed_transitions_are_allowed(self, http: httpx.Client) -> None:
        route_id = add_route(http)
        delivery_id = add_delivery(http, route_id, add_driver(http), add_vehicle(http))
        answer = refused(move(http, delivery_id, "OutForDelivery"), 400, "illegal_transition")
        assert answer["allowedTransitions"] == ["InTransit", "Failed"]
        refused(move(http, delivery_id, "InTransit", expectedStatus="Failed"), 400, "unexpected_status")
        ok(move(http, delivery_id, "PickedUp"))
        ok(move(http, delivery_id, "InTransit"))
        answer = refused(move(http, delivery_id, "OutForDelivery"), 400, "checkpoints_missing")
        assert [stop["sequence"] for stop in answer["missingCheckpoints"]] == [1, 2]
        refused(prove(http, delivery_id), 400, "delivery_not_out_for_delivery")
        ok(reach(http, delivery_id, route_id, 2))
        ok(reach(http, delivery_id, route_id, 1))
        assert [stop["outOfOrder"] for stop in delivery(http, delivery_id)["checkpoints"]] == [False, True]
        refused(move(http, delivery_id, "Delivered"), 400, "proof_required")
        ok(prove(http, delivery_id))
        refused(prove(http, delivery_id), 400, "delivery_not_out_for_delivery")
        answer = refused(move(http, delivery_id, "Failed"), 400, "illegal_transition")
        assert answer["allowedTransitions"] == []

    def test_it_starts_only_with_driver_and_vehicle(self, http: httpx.Client) -> None:
        delivery_id = add_delivery(http, add_route(http), add_driver(http))
        answer = refused(move(http, delivery_id, "InTransit"), 400, "driver_and_vehicle_required")
        assert answer["missing"] == ["vehicle"]

    def test_checkpoints_belong_to_its_route(self, http: httpx.Client) -> None:
        route_id, other = add_route(http), add_route(http)
        delivery_id = add_delivery(http, route_id, add_driver(http), add_vehicle(http))
        refused(reach(http, delivery_id, route_id, 1), 400, "delivery_not_in_transit")
        ok(move(http, delivery_id, "InTransit"))
        refused(reach(http, delivery_id, other, 1), 400, "wrong_route")
        refused(reach(http, delivery_id, route_id, 3), 400, "checkpoint_not_on_route")
        refused(reach(http, delivery_id, route_id, 1, location="P2"), 400, "checkpoint_not_on_route")
        ok(reach(http, delivery_id, route_id, 1))
        version = delivery(http, delivery_id)["version"]
        ok(reach(http, delivery_id, route_id, 1))
        assert delivery(http, delivery_id)["version"] == version

    def test_failing_frees_and_retrying_books_again(self, http: httpx.Client) -> None:
        route_id, driver_id, vehicle_id = add_route(http), add_driver(http), add_vehicle(http)
        delivery_id = add_delivery(http, route_id, driver_id, vehicle_id)
        refused(move(http, delivery_id, "Failed", reason="bored"), 400, "unknown_failure_reason")
        ok(move(http, delivery_id, "Failed", reason="not_home", note="rang twice"))
        assert ok(http.get(f"/api/fleet/drivers/{driver_id}"))["status"] == "Available"
        rival = add_delivery(http, route_id, driver_id)
        refused(move(http, delivery_id, "PickedUp"), 400, "booking_conflict")
        other = add_driver(http)
        ok(move(http, delivery_id, "PickedUp", driverId=other))
        assert delivery(http, delivery_id)["driverId"] == other
        assert ok(http.get(f"/api/fleet/vehicles/{vehicle_id}"))["status"] == "Assigned"
        assert rival != delivery_id

    def test_incidents_never_block_and_resolve_once(self, http: httpx.Client) -> None:
        delivery_id = add_delivery(http, add_route(http))
        url = f"/api/deliveries/{delivery_id}/incidents"
        incident_id = ok(http.post(url, json={"type": "Delay", "description": "Snow"}))["id"]
        assert delivery(http, delivery_id)["incidents"][0]["resolved"] is False
        ok(http.patch(f"{url}/{incident_id}/resolve"))
        refused(http.patch(f"{url}/{incident_id}/resolve"), 400, "incident_already_resolved")
        refused(http.patch(f"{url}/{uuid4()}/resolve"), 404, "incident_not_found")

    def test_claimed_times_are_kept_within_bounds(self, http: httpx.Client) -> None:
        route_id = add_route(http, soon(-120))
        delivery_id = add_delivery(http, route_id, add_driver(http), add_vehicle(http))
        ok(move(http, delivery_id, "InTransit", occurredAt=iso(soon(-100))))
        ok(reach(http, delivery_id, route_id, 1, occurredAt=iso(soon(-90))))
        assert delivery(http, delivery_id)["checkpoints"][0]["reachedAt"] <= iso(soon(-89))
        answer = reach(http, delivery_id, route_id, 2, occurredAt=iso(soon(6)))
        refused(answer, 400, "occurred_at_out_of_range")
        refused(
            reach(http, delivery_id, route_id, 2, occurredAt=iso(soon(-8 * 1440))),
            400,
            "occurred_at_out_of_range",
        )

    def test_unknown_ids_are_not_found(self, http: httpx.Client) -> None:
        nobody = uuid4()
        refused(http.get(f"/api/deliveries/{nobody}"), 404, "delivery_not_found")
        refused(move(http, str(nobody), "InTransit"), 404, "delivery_not_found")
        refused(http.post("/api/deliveries", json={"routeId": str(nobody)}), 404, "route_not_found")
        body = {"routeId": add_route(http), "driverId": str(nobody)}
        refused(http.post("/api/deliveries", json=body), 404, "driver_not_found")
        refused(http.get("/api/deliveries/not-an-id"), 404, "not_found")


class TestIdempotency:
    def test_the_same_key_and_body_get_the_first_answer_again(self, http: httpx.Client) -> None:
        key = {"Idempotency-Key": str(uuid4())}
        body = {"name": "Once", "driverLicense": f"L-{uuid4()}"}
        first = http.post("/api/fleet/drivers", json=body, headers=key)
        again = http.post("/api/fleet/drivers", json=body, headers=key)
        assert again.json() == first.json()
        assert again.headers["Idempotent-Replayed"] == "true"
        assert "Idempotent-Replayed" not in first.headers
        other = http.post("/api/fleet/drivers", json=body | {"name": "Twice"}, headers=key)
        refused(other, 422, "idempotency_key_reused")
        command = ok(http.get(f"/api/commands/{key['Idempotency-Key']}"))
        assert (command["outcome"], command["result"]["id"]) == ("accepted", ok(first)["id"])

    def test_a_refusal_is_given_again_too(self, http: httpx.Client) -> None:
        key = {"Idempotency-Key": str(uuid4())}
        body = {"routeId": add_route(http, active=False)}
        first = refused(http.post("/api/deliveries", json=body, headers=key), 400, "route_not_active")
        ok(http.patch(f"/api/routes/{body['routeId']}/status", json={"status": "Active"}))
        again = http.post("/api/deliveries", json=body, headers=key)
        assert again.headers["Idempotent-Replayed"] == "true"
        assert refused(again, 400, "route_not_active")["detail"] == first["detail"]

    def test_concurrent_re_sends_are_one_command(self, http: httpx.Client) -> None:
        key = {"Idempotency-Key": str(uuid4())}
        body = {"name": "Once", "driverLicense": f"L-{uuid4()}"}
        with ThreadPoolExecutor(10) as pool:
            sent = [pool.submit(http.post, "/api/fleet/drivers", json=body, headers=key) for _ in range(10)]
        assert len({ok(future.result())["id"] for future in sent}) == 1
        assert sum("Idempotent-Replayed" in future.result().headers for future in sent) == 9

    def test_the_key_must_be_a_uuid(self, http: httpx.Client) -> None:
        answer = http.post("/api/routes", json={}, headers={"Idempotency-Key": "1"})
        assert answer.status_code == 400


class TestIntegration:
    def test_the_feed_gives_every_event_once_in_order(self, http: httpx.Client) -> None:
        driver_id = add_driver(http)
        positions: list[int] = []
        mine = []
        after = 0
        while True:
            page = ok(http.get("/api/events", params={"after": after, "limit": 7}))
            assert len(page["events"]) <= 7
            positions += [event["position"] for event in page["events"]]
            mine += [event for event in page["events"] if event["stream"] == f"driver-{driver_id}"]
            if page["next"] == after:
                break
            after = page["next"]
        assert positions == list(range(1, len(positions) + 1))
        assert [event["type"] for event in mine] == ["DriverAdded"]
        only = ok(http.get("/api/events", params={"types": "VehicleAdded", "limit": 1000}))
        assert {event["type"] for event in only["events"]} <= {"VehicleAdded"}
        refused(http.get("/api/events", params={"types": "Nonsense"}), 400, "malformed_request")

    def test_the_correlation_id_reaches_the_event(self, http: httpx.Client) -> None:
        mark = f"order-{uuid4()}"
        answer = http.post(
            "/api/fleet/drivers", json={"name": "A", "driverLicense": "B"}, headers={"X-Correlation-Id": mark}
        )
        assert answer.headers["X-Correlation-Id"] == mark
        events = ok(http.get("/api/events", params={"types": "DriverAdded", "limit": 1000}))["events"]
        assert mark in {event["correlationId"] for event in events}

    def test_the_newest_fix_wins_whatever_the_order(self, http: httpx.Client) -> None:
        driver_id = add_driver(http)
        delivery_id = add_delivery(http, add_route(http), driver_id, add_vehicle(http))
        ok(move(http, delivery_id, "InTransit"))
        url = f"/api/drivers/{driver_id}/location"
        ok(http.post(url, json={"latitude": 60.2, "longitude": 24.9, "recordedAt": iso(soon(-1))}), 202)
        older = {"latitude": 60.1, "longitude": 24.9, "recordedAt": iso(soon(-5))}
        assert ok(http.post(url, json={"positions": [older, older]}), 202) == {"accepted": 2}
        live = ok(http.get("/api/deliveries/live-tracking"))["activeDeliveries"]
        assert (
            next(item for item in live if item["deliveryId"] == delivery_id)["position"]["latitude"] == 60.2
        )
        refused(http.post(url, json={"latitude": 91, "longitude": 0}), 400, "malformed_request")

    def test_unknown_fields_are_ignored_with_a_warning(self, http: httpx.Client) -> None:
        body = {"name": "A", "driverLicense": f"L-{uuid4()}", "shoeSize": 42}
        warnings = ok(http.post("/api/fleet/drivers", json=body))["warnings"]
        assert {"code": "unknown_field", "field": "shoeSize"}.items() <= warnings[-1].items()

    def test_a_key_is_needed(self, server: Server) -> None:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
            answer = httpx.get(f"{server.url}/api/deliveries", headers=headers)
            refused(answer, 401, "not_authenticated")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        answer = httpx.post(f"{server.url}/api/fleet/drivers", json={"name": "A", "driverLicense": "B"})
        refused(answer, 401, "not_authenticated")
