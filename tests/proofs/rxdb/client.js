// Two devices of RxDB against a running server: push, pull, conflict, tombstone, lost answers and a broken line.
// Arguments: address and token. Prints what both hold at the end as JSON.
import { createRxDatabase } from "rxdb/plugins/core";
import { getRxStorageMemory } from "rxdb/plugins/storage-memory";
import { isEqual, replicate } from "./adapter.js";

const [url, token] = process.argv.slice(2);
const text = { type: "string" };
const schema = {
  version: 0,
  primaryKey: "id",
  type: "object",
  properties: {
    id: { type: "string", maxLength: 36 },
    version: { type: "integer" },
    editedAt: text, type: text, location: text, collectionDate: text, collectorName: text, notes: text,
  },
};
const conflictHandler = { isEqual, resolve: async ({ realMasterState }) => realMasterState };

async function openDevice(device) {
  const line = { cut: false, loseAnswers: 0, requests: 0 };
  const call = async (path, body) => {
    if (line.cut) throw new Error("no network");
    line.requests += 1;
    const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
    const options = body ? { method: "POST", headers, body: JSON.stringify(body) } : { headers };
    const response = await fetch(`${url}/api/v1${path}`, options);
    const answer = await response.json();
    if (!response.ok) throw new Error(`${response.status} ${JSON.stringify(answer.errors)}`);
    if (body && line.loseAnswers-- > 0) throw new Error("the answer was lost");
    return answer.data;
  };
  const database = await createRxDatabase({ name: device, storage: getRxStorageMemory() });
  const { samples } = await database.addCollections({ samples: { schema, conflictHandler } });
  const replication = replicate(samples, { call, device });
  const lost = [];
  replication.conflict$?.subscribe((conflict) => lost.push(conflict.input.newDocumentState.notes));
  return { database, samples, replication, line, lost };
}

const [tablet, phone] = [await openDevice("rx-tablet"), await openDevice("rx-phone")];
const settle = async (...devices) => {
  for (const { replication } of devices) {
    replication.reSync();
    await replication.awaitInSync();
  }
};
const at = (minute) => `2026-03-21T10:0${minute}:00Z`;
const row = (n) => `00000000-0000-4000-8000-00000000000${n}`;
const note = async (device, n, notes, minute) => {
  const found = await device.samples.findOne(row(n)).exec();
  await found.incrementalPatch({ notes, editedAt: at(minute) });
};

// push, in pages of two pulled by the other device
for (let n = 0; n < 5; n += 1) {
  await tablet.samples.insert({
    id: row(n), version: 0, editedAt: at(0), notes: "", type: "drinking_water", location: `Tap ${n}`,
    collectionDate: "2026-03-20T09:15:00Z", collectorName: "Amina",
  });
}
await settle(tablet, phone);

// an edit goes the other way
await note(phone, 0, "of the phone", 1);
await settle(phone, tablet);

// both edit one sample offline: the later one wins, whichever arrives first
tablet.line.cut = phone.line.cut = true;
await note(phone, 1, "earlier, of the phone", 2);
await note(tablet, 1, "later, of the tablet", 3);
await note(phone, 2, "later, of the phone", 5);
await note(tablet, 2, "earlier, of the tablet", 4);
await new Promise((resolve) => setTimeout(resolve, 300));
tablet.line.cut = false;
await settle(tablet);
phone.line.cut = false;
await settle(phone, tablet, phone);

// a deletion, and an answer that never arrives
phone.line.loseAnswers = 2;
await (await phone.samples.findOne(row(3)).exec()).remove();
await note(phone, 4, "sent three times", 6);
await settle(phone, tablet, phone);

const held = async ({ samples }) =>
  (await samples.find().exec()).map((found) => found.toJSON()).map(({ id, version, notes, location }) => ({ id, version, notes, location }));
console.log(JSON.stringify({ tablet: await held(tablet), phone: await held(phone), lost: phone.lost, requests: phone.line.requests }));
await Promise.all([tablet.database.close(), phone.database.close()]);
process.exit(0);
