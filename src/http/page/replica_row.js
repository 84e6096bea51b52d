/**
 * A row of the table of replicas.
 *
 * @module
 */
import { element, full, setAttribute, setText } from "./format.js";

/** How a state looks. Its word is always shown, never the colour alone. */
const KINDS = {
  ready: "good",
  starting: "busy",
  restoring: "busy",
  catching_up: "busy",
  draining: "busy",
  away: "busy",
  healing: "busy",
  ahead_of_log: "bad",
  forked: "bad",
  upgrade_required: "bad",
  gone: "bad",
};

/** In which what a replica has now is not known, or not whole. */
const WITHOUT_RECORDS = ["gone", "unknown", "starting", "restoring"];

/** @returns A row without values, and its parts. */
export function makeRow() {
  const cell = (name, attributes, ...children) =>
    element(
      "td",
      { role: "cell", "data-name": name, ...attributes },
      ...children,
    );
  const parts = {
    name: element("span"),
    self: element("small", {}),
    state: element("span", { class: "word" }),
    reason: element("small"),
    progress: element("progress", { max: "100", hidden: "" }),
    lag: cell("Lag", { class: "number" }),
    sequence: cell("Sequence", { class: "number" }),
    users: cell("Users", { class: "number" }),
    digest: cell("Digest", { class: "mono" }),
    equal: element("span", { class: "word" }),
    comparedAt: element("small"),
    heard: cell("Heard", { class: "number" }),
  };
  const row = element(
    "tr",
    { role: "row" },
    element(
      "th",
      { role: "rowheader", scope: "row" },
      parts.name,
      " ",
      parts.self,
    ),
    cell("State", {}, parts.state, parts.reason, parts.progress),
    parts.lag,
    parts.sequence,
    parts.users,
    parts.digest,
    cell("Equality", {}, parts.equal, parts.comparedAt),
    parts.heard,
  );
  return { row, parts };
}

/** Whether what a replica has now is known, and equals what this one has. */
function isEqualNow({ state, equal }) {
  return equal === true && !WITHOUT_RECORDS.includes(state);
}

/**
 * @param replica A replica in the answer of `/cluster`.
 * @param cluster The answer.
 * @returns Whether it equals the others, in words, and how that looks.
 */
export function equality(replica, { replicas, stands_alone }) {
  const { replica_id, self, state, equal, compared_at } = replica;
  if (replica_id === stands_alone) return ["stands alone", "bad"];
  if (equal === false) return ["differs", "bad"];
  // This one equals others, which may be gone.
  const isNow = isEqualNow(replica) &&
    (!self || replicas.some((one) => !one.self && isEqualNow(one)));
  if (isNow) return ["equal", "good"];
  const was = self
    ? equal === true
    : WITHOUT_RECORDS.includes(state) && compared_at !== null;
  return was ? ["was equal", "unknown"] : ["not compared", "unknown"];
}

function reasonOf({ state, reason, connected, restore }) {
  if (restore !== null) {
    return `${restore.percent} %, ${full(restore.rows)} rows: ${reason}`;
  }
  return state === "ready" && connected !== false ? "" : reason;
}

function heardText({ self, state, heard_ms_ago }) {
  if (self) return "here";
  const seconds = Math.round(heard_ms_ago / 1000);
  const isSilent = state === "gone" || state === "unknown";
  if (!isSilent && seconds <= 4) return "now";
  return seconds < 100
    ? `${seconds} s ago`
    : `${Math.round(seconds / 60)} min ago`;
}

function stateKind({ state, connected }) {
  // Ready for gets only.
  if (state === "ready" && connected === false) return "busy";
  return KINDS[state] ?? "unknown";
}

/**
 * Shows a replica in its row.
 *
 * @param made The row and its parts.
 * @param replica The replica in the answer of `/cluster`.
 * @param cluster The answer.
 */
export function updateRow({ row, parts }, replica, cluster) {
  const [word, kind] = equality(replica, cluster);
  const { restore } = replica;
  setAttribute(row, "data-replica", replica.replica_id);
  setText(parts.name, replica.replica_id);
  setText(parts.self, replica.self ? "this one" : "");
  setText(parts.state, replica.state.replaceAll("_", " "));
  setAttribute(parts.state, "data-kind", stateKind(replica));
  setText(parts.reason, reasonOf(replica));
  parts.progress.hidden = restore === null;
  if (restore !== null) {
    parts.progress.value = restore.percent;
    setAttribute(parts.progress, "aria-label", "restored");
  }
  setText(parts.lag, full(replica.lag));
  setText(parts.sequence, full(replica.applied_sequence));
  setText(parts.users, full(replica.users));
  setText(parts.digest, replica.digest);
  setText(parts.equal, word);
  setAttribute(parts.equal, "data-kind", kind);
  setText(
    parts.comparedAt,
    replica.compared_at === null
      ? ""
      : `at sequence ${full(replica.compared_at)}`,
  );
  setText(parts.heard, heardText(replica));
}
