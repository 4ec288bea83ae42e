"""The unified surface: specifications 000 to 003 under `/api/v1`."""

from api.kit import Api
from api.v1.applications.router import router as applications
from api.v1.audit.router import router as audit
from api.v1.audit.watch import router as watch
from api.v1.auth.router import router as auth
from api.v1.contracts.router import router as contracts
from api.v1.customers.imports import router as customer_imports
from api.v1.customers.router import router as customers
from api.v1.dashboard.router import router as dashboard
from api.v1.dashboard_reports.router import router as dashboard_reports
from api.v1.dashboards.router import router as dashboards
from api.v1.files.router import router as files
from api.v1.files.shared import router as shared
from api.v1.forms.router import router as forms
from api.v1.forms.xlsform import router as xlsform
from api.v1.geo.router import router as geo
from api.v1.images.router import router as images
from api.v1.invitations.router import router as invitations
from api.v1.jobs.router import router as jobs
from api.v1.lab.certificates import router as certificates
from api.v1.lab.lifecycle import router as lifecycle
from api.v1.lab.points import router as points
from api.v1.lab.quality import router as quality
from api.v1.lab.quality import worksheets
from api.v1.lab.reports import router as reports
from api.v1.lab.router import catalogue, results
from api.v1.lab.router import router as samples
from api.v1.notifications.router import router as notifications
from api.v1.ogc.router import router as ogc
from api.v1.organizations.router import router as organizations
from api.v1.platform.router import router as platform
from api.v1.projects.router import router as projects
from api.v1.sales.router import router as sales
from api.v1.submissions.router import router as submissions
from api.v1.survey.exports import router as survey_exports
from api.v1.survey.router import router as survey
from api.v1.sync.router import router as sync
from api.v1.tasks.router import router as tasks
from api.v1.tickets.router import router as tickets
from api.v1.tickets.sla import router as promises
from api.v1.users.router import router as users
from api.v1.views.router import router as views

DESCRIPTION = """
One JSON API over projects, tasks, samples, results, verdicts, synchronisation, reports and the audit log.

## First call
1. `POST /api/v1/auth/login` with `{"email": "…", "password": "…"}`.
2. Take `data.accessToken` and send it with every call: `Authorization: Bearer <accessToken>` (here: *Authorize*).
3. It lives `data.expiresIn` seconds. Before it ends, `POST /api/v1/auth/refresh` with `{"refreshToken": "…"}` gives
   a new pair. Each refresh token works once. `POST /api/v1/auth/logout` ends both.

```
curl -s -X POST http://127.0.0.1:8000/api/v1/auth/login -H 'Content-Type: application/json' \\
     -d '{"email": "admin@demo.marsad.test", "password": "Marsad-demo-2026"}'
curl -s http://127.0.0.1:8000/api/v1/auth/me -H "Authorization: Bearer $TOKEN"
```

Then register a sample and enter a result; the answer carries the verdict under every standard:

```
curl -s -X POST http://127.0.0.1:8000/api/v1/samples -H "Authorization: Bearer $TOKEN" \\
     -H 'Content-Type: application/json' -d '{"type": "drinking_water", "location": "Anfa, tap 4",
       "collectionDate": "2026-11-20T09:15:00Z", "collectorName": "Amina", "localSyncId": "tablet-3/000042"}'
curl -s -X POST http://127.0.0.1:8000/api/v1/samples/$SAMPLE/results -H "Authorization: Bearer $TOKEN" \\
     -H 'Content-Type: application/json' -d '{"parameterName": "NO3", "value": "12.00", "unit": "mg/L N"}'
```

`GET /api/v1/parameters` lists what can be measured, under which names and in which units.

Tokens are JWT signed with RS256; the public keys are at `GET /api/v1/auth/jwks`. A person belongs to one organisation,
which the token names; `X-Tenant-ID` is needed by platform administrators alone.

## Answers
Always `{"success", "data", "message", "errors", "meta"}`; lists carry `meta.page`, `limit`, `total` and `totalPages`.
A refusal has one entry in `errors` per field: `{"code", "message", "field"}`. Codes are stable, messages follow
`Accept-Language` (ar, fr, en). Quote `meta.requestId` when you ask for help.

## Conventions
- camelCase names, UUID ids, times in UTC with `Z`. A time that you send needs an offset or `Z`.
- `PUT` and `PATCH` are the same: absent fields stay, null clears. Send `version` or `If-Match` to be told of a
  change in between (409 `VERSION_CONFLICT`).
- `Idempotency-Key` on any POST: a repeat gets the stored answer with `Idempotency-Replayed: true`.
- Unknown body fields are ignored and named in `meta.ignoredFields`.
- 1 MB per JSON body, 10 MB for `/sync` and bulk; files up to 50 MB (images), 100 MB (video, sound), 10 MB (documents).

## Versions
The major version stands in the path, the whole one in every answer (`API-Version`). Within `/api/v1` fields, operations
and error codes are only added. What would break a client comes under a new path; the old one is then served for at
least six months after its end was announced here.
- **Changes**: 1.0 is the first version.
- **Features**: everything on this page.
- **Deprecations**: none.
- **Migration**: none needed. Clients of the source specifications keep their spellings: snake_case and the older names
  of fields and roles are understood.
"""

api = Api(namespace="api-v1", title="Marsad API", version="1.0", description=DESCRIPTION)
for router in (
    auth,
    users,
    invitations,
    platform,
    organizations,
    projects,
    tasks,
    applications,
    survey,
    samples,
    lifecycle,
    results,
    worksheets,
    quality,
    catalogue,
    points,
    sync,
    certificates,
    reports,
    files,
    shared,
    jobs,
    geo,
    audit,
    watch,
    images,
    tickets,
    promises,
    contracts,
    customers,
    customer_imports,
    sales,
    xlsform,
    forms,
    submissions,
    views,
    dashboard,
    dashboards,
    dashboard_reports,
    notifications,
    survey_exports,
    ogc,
):
    api.add_router("", router)
