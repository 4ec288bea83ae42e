"""Custom reports over the API (specification 002, `/dashboard/reports`)."""

import pytest

from portal.core.tenancy.scope import platform
from portal.desk.reports.models import ReportRun
from portal.desk.reports.services import AT_ONCE
from tests.api.test_tickets import customer_of, make, support

pytestmark = pytest.mark.django_db


@pytest.mark.covers("E002-108", "E002-109", "002-PERF-04")
def test_a_report_from_its_creation_to_its_deletion(cast):
    from portal.core.tenancy import seeds

    seeds.run()
    alice, carol = cast.alice, cast.carol
    customer = customer_of(cast)
    for priority in ("high", "high", "low"):
        make(alice, title=f"Leak {priority}", priority=priority, customerId=str(customer.pk))

    # what every organisation has from its first day, each person what they may see
    listed = alice.get("/dashboard/reports?limit=50").json()
    assert {row["builtin"] for row in listed["data"]} >= {"tickets_by_month", "deals_won", "contracts_expiring"}
    assert {"id", "name", "type", "parameters"} <= set(listed["data"][0])
    sami = support(cast, "sami", "SalesAgent")
    assert {row["type"] for row in sami.get("/dashboard/reports").json()["data"]} == {"tickets", "deals", "contracts"}
    assert cast.bob.get("/dashboard/reports").status_code == 403
    assert alice.get("/dashboard/reports?source=tasks&search=OVERDUE").json()["meta"]["total"] == 1
    known = {row["key"]: row for row in alice.get("/dashboard/reports/sources").json()["data"]}
    assert "audit" in known
    assert {"key", "label", "type", "operators", "choices"} == set(known["tickets"]["columns"][0])
    assert "audit" not in {row["key"] for row in sami.get("/dashboard/reports/sources").json()["data"]}

    body = {
        "name": "Tickets by priority",
        "source": "tickets",
        "filters": [{"column": "createdAt", "op": "lastDays", "value": 7}],
        "groupBy": [{"column": "priority"}],
        "aggregates": [{"function": "count"}],
        "sort": [{"by": "count", "descending": True}],
        "chart": "pie",
        "shared": True,
    }
    refused = alice.post("/dashboard/reports", {**body, "filters": [{"column": "nothing"}], "chart": "cake"})
    assert refused.status_code == 400
    assert [error["field"] for error in refused.json()["errors"]] == ["filters.0.column", "chart"]
    assert carol.post("/dashboard/reports", body).status_code == 403
    assert support(cast, "rim", "SupportAgent").post("/dashboard/reports", body).status_code == 403  # may not share
    made = alice.post("/dashboard/reports", body)
    assert (made.status_code, made.headers["ETag"]) == (201, '"1"')
    report = made.json()["data"]
    address = f"/dashboard/reports/{report['id']}"

    # a short JSON at once
    done = alice.post(f"{address}/generate")
    assert done.status_code == 200, done.json()
    said = done.json()["data"]
    assert (said["status"], said["rows"], said["downloadUrl"]) == ("succeeded", 2, None)
    assert said["result"]["rows"] == [{"priority": "high", "count": 2}, {"priority": "low", "count": 1}]
    assert said["result"]["totals"] == {"count": 3}
    narrowed = {"parameters": {"filters": [{"column": "priority", "op": "in", "value": ["low"]}]}}
    assert alice.post(f"{address}/generate", narrowed).json()["data"]["result"]["totals"] == {"count": 1}
    wrong = {"parameters": {"filters": [{"column": "priority", "op": "in", "value": ["lowest"]}]}}
    refused = alice.post(f"{address}/generate", wrong)
    assert [error["field"] for error in refused.json()["errors"]] == ["parameters.filters.0.value"]
    assert carol.post(f"{address}/generate").json()["data"]["result"]["totals"] == {"count": 3}
    assert cast.mallory.post(f"{address}/generate").status_code == 404
    assert AT_ONCE == 1000

    # a file is a job
    asked = alice.post(f"{address}/generate", {"format": "xlsx", "language": "ar"})
    assert (asked.status_code, asked.headers["Retry-After"]) == (202, "2")
    run = asked.json()["data"]
    assert (run["status"], run["language"], run["result"]) == ("queued", "ar", None)
    assert alice.get(f"/jobs/{run['jobId']}").json()["data"]["kind"] == "reports.draw"
    assert alice.get(f"/dashboard/reports/runs/{run['runId']}/download").status_code == 422
    assert alice.post(f"/dashboard/reports/runs/{run['runId']}/retry").status_code == 422
    assert carol.get(f"/dashboard/reports/runs/{run['runId']}").status_code == 404

    from tests.desk.test_reports import perform

    with platform():
        row = ReportRun.objects.get(pk=run["runId"])
    perform(row)
    finished = alice.get(f"/dashboard/reports/runs/{run['runId']}").json()["data"]
    assert (finished["status"], finished["rows"], finished["progress"]) == ("succeeded", 2, 100)
    file = alice.get(finished["downloadUrl"].removeprefix("/api/v1"))
    assert file.status_code == 200
    assert b"".join(file.streaming_content)[:2] == b"PK"
    assert alice.get(f"{address}/runs?status=succeeded").json()["meta"]["total"] == 3
    assert carol.get(f"{address}/runs").json()["meta"]["total"] == 1  # her own

    # schedules
    monthly = {"frequency": "monthly", "monthDay": 31, "hour": 7, "roles": ["Viewer"], "format": "pdf"}
    assert carol.post(f"{address}/schedules", monthly).status_code == 403
    refused = alice.post(f"{address}/schedules", {**monthly, "hour": 24, "roles": ["King"], "people": ["x"]})
    assert [error["field"] for error in refused.json()["errors"]] == ["hour", "roles", "people"]
    schedule = alice.post(f"{address}/schedules", monthly).json()["data"]
    assert (schedule["roles"], schedule["isActive"], schedule["nextAt"] is not None) == (["Viewer"], True, True)
    paused = alice.patch(f"/dashboard/reports/schedules/{schedule['id']}", {"isActive": False, "version": 1})
    assert (paused.json()["data"]["nextAt"], paused.json()["data"]["version"]) == (None, 2)
    stale = alice.put(f"/dashboard/reports/schedules/{schedule['id']}", {"hour": 8, "version": 1})
    assert stale.status_code == 409
    assert alice.get(f"{address}/schedules").json()["meta"]["total"] == 1
    assert cast.mallory.delete(f"/dashboard/reports/schedules/{schedule['id']}").status_code == 404
    assert alice.delete(f"/dashboard/reports/schedules/{schedule['id']}").status_code == 200

    # change and delete
    changed = alice.put(address, {"name": "Priorities", "chart": "donut"}, If_Match='"1"').json()["data"]
    assert (changed["name"], changed["chart"], changed["filters"], changed["version"]) == (
        "Priorities", "donut", report["filters"], 2,
    )  # fmt: skip
    assert alice.put(address, {"name": "x", "version": 1}).status_code == 409
    assert sami.put(address, {"name": "x"}).status_code == 403
    builtin = next(row for row in listed["data"] if row["builtin"])
    assert alice.delete(f"/dashboard/reports/{builtin['id']}").status_code == 409
    assert alice.delete(address).status_code == 200
    assert alice.get(address).status_code == 404
