// What RxDB's replication needs to speak with Marsad: cursor = checkpoint, conflicts = return value of the push
// handler, tombstone = `_deleted`, the version in `isEqual`. Only a conflict that the client lost is one for RxDB.
import { replicateRxCollection } from "rxdb/plugins/replication";

const FIELDS = ["type", "location", "collectionDate", "collectorName", "notes"];
const fieldsOf = (data) => Object.fromEntries(FIELDS.map((name) => [name, data[name] ?? ""]));
const document = (id, version, gone, data) => ({ id, version, _deleted: gone, editedAt: "", ...fieldsOf(data) });

export const isEqual = (a, b) =>
  a.version === b.version && !!a._deleted === !!b._deleted && FIELDS.every((name) => a[name] === b[name]);

const toItem = ({ newDocumentState: row, assumedMasterState: known }) => ({
  entity: "sample",
  entityId: row.id,
  operation: row._deleted ? "deleted" : known ? "updated" : "created",
  clientVersion: known?.version ?? 0,
  clientTimestamp: row.editedAt || null,
  data: row._deleted ? {} : fieldsOf(row),
});

export function replicate(collection, { call, device }) {
  return replicateRxCollection({
    collection,
    replicationIdentifier: device,
    retryTime: 100,
    pull: {
      batchSize: 2,
      async handler(place, limit) {
        const query = new URLSearchParams({ deviceId: device, entity: "sample", limit, cursor: place?.cursor ?? "" });
        const page = await call(`/sync/changes?${query}`);
        const documents = page.changes.map((c) => document(c.entityId, c.version, c.operation === "deleted", c.data));
        return { documents, checkpoint: { cursor: page.pagination.nextCursor } };
      },
    },
    push: {
      async handler(rows) {
        const answer = await call("/sync", { deviceId: device, changes: rows.map(toItem) });
        return answer.conflicts
          .filter((conflict) => conflict.resolution !== "client")
          .map((c) => document(c.entityId, c.serverVersion, c.serverData.deleted === true, c.serverData));
      },
    },
  });
}
