// Follows an organisation from another program: every sample once, then each change, in the order of the commits.
// Node 20 or newer, no packages:
//
//   node follow.mjs http://127.0.0.1:8000 manager@demo.marsad.test Marsad-demo-2026 [cursor.txt] [--once]
//
// The cursor is kept in the file after each page is dealt with, so that a program that is started again goes on
// where it stopped. A page may come twice after a crash: deal with a record by its id and version.
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const [url, email, password, ...rest] = process.argv.slice(2);
const once = rest.includes("--once");
const file = rest.find((word) => !word.startsWith("--")) ?? "cursor.txt";
const device = "follow-example";
let tokens = {};

async function call(path, body, again = true) {
  const headers = { "X-Device-ID": device, ...(tokens.accessToken && { Authorization: `Bearer ${tokens.accessToken}` }) };
  const options = body ? { method: "POST", headers: { ...headers, "Content-Type": "application/json" }, body: JSON.stringify(body) } : { headers };
  const response = await fetch(`${url}/api/v1${path}`, options);
  if (response.status === 429 || response.status === 503) {
    await new Promise((go) => setTimeout(go, 1000 * (Number(response.headers.get("Retry-After")) || 5)));
    return call(path, body, again);
  }
  const answer = await response.json();
  if (response.status === 401 && again && tokens.refreshToken) {
    tokens = await call("/auth/refresh", { refreshToken: tokens.refreshToken }, false);
    return call(path, body, false);
  }
  if (!response.ok) throw Object.assign(new Error(JSON.stringify(answer.errors)), { status: response.status });
  return answer.data;
}

tokens = await call("/auth/login", { email, password, deviceId: device }, false);
let cursor = existsSync(file) ? readFileSync(file, "utf8") : "";
for (;;) {
  let page;
  try {
    page = await call(`/sync/changes?${new URLSearchParams({ entity: "sample", limit: "500", cursor })}`);
  } catch (error) {
    if (error.status !== 409 || !cursor) throw error;
    cursor = ""; // fullResyncRequired: everything again, from the start
    continue;
  }
  for (const { operation, entityId, version, data } of page.changes) {
    console.log(JSON.stringify({ operation, id: entityId, version, verdict: data.complianceStatus, location: data.location }));
  }
  cursor = page.pagination.nextCursor;
  writeFileSync(file, cursor);
  if (page.pagination.hasMore) continue;
  if (once) break;
  await new Promise((go) => setTimeout(go, 10_000)); // or listen at /ws/org/, which says when there is something
}
