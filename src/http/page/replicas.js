/**
 * The table of replicas, and what changes in it.
 *
 * @module
 */
import { setText } from "./format.js";
import { equality, makeRow, updateRow } from "./replica_row.js";

const table = document.querySelector("#replicas");
const news = document.querySelector("#changes");

const rows = new Map();
/** The last state and equality of each replica, to find changes. */
const said = new Map();

/** What has changed, in words. */
function changes(cluster) {
  const found = [];
  for (const replica of cluster.replicas) {
    const id = replica.replica_id;
    const [word] = equality(replica, cluster);
    const now = { state: replica.state.replaceAll("_", " "), word };
    const before = said.get(id);
    if (before !== undefined) {
      if (before.state !== now.state) found.push(`${id} is ${now.state}`);
      if (before.word !== now.word && replica.equal === false) {
        found.push(`${id} ${now.word}`);
      }
    }
    said.set(id, now);
  }
  return found.join(", ");
}

/** Takes the rows of replicas away that are forgotten. */
function forget(replicas) {
  const ids = new Set(replicas.map(({ replica_id }) => replica_id));
  for (const [id, { row }] of rows) {
    if (ids.has(id)) continue;
    row.remove();
    rows.delete(id);
    said.delete(id);
  }
}

/**
 * Shows the replicas of the answer of `/cluster`.
 *
 * @param cluster The answer.
 */
export function showReplicas(cluster) {
  const { replicas, presence } = cluster;
  const [body] = table.tBodies;
  // What compares replicas means nothing there.
  table.classList.toggle(
    "alone",
    presence === "standalone" && replicas.length === 1,
  );
  forget(replicas);
  replicas.forEach((replica, index) => {
    const id = replica.replica_id;
    if (!rows.has(id)) rows.set(id, makeRow());
    const made = rows.get(id);
    updateRow(made, replica, cluster);
    if (body.children[index] !== made.row) {
      body.insertBefore(made.row, body.children[index] ?? null);
    }
  });
  const text = changes(cluster);
  if (text !== "") setText(news, text);
}
