/**
 * The table of replicas, and what changes in it.
 *
 * @module
 */
import { conditionText } from "./condition.js";
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

const rows = new Map();
/** The last state and equality of each replica, to find changes. */
const said = new Map();

function makeRow() {
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

function equality({ replica_id, state, equal, compared_at }, alone) {
  if (replica_id === alone) return ["stands alone", "bad"];
  if (equal === true) return ["equal", "good"];
  if (equal === false) return ["differs", "bad"];
  if (state === "gone" && compared_at !== null) return ["was equal", "unknown"];
  return ["not compared", "unknown"];
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
  if (state !== "gone" && seconds <= 4) return "now";
  return seconds < 100
    ? `${seconds} s ago`
    : `${Math.round(seconds / 60)} min ago`;
}

function update({ row, parts }, replica, alone) {
  const [word, kind] = equality(replica, alone);
  const { restore } = replica;
  setAttribute(row, "data-replica", replica.replica_id);
  setText(parts.name, replica.replica_id);
  setText(parts.self, replica.self ? "this one" : "");
  setText(parts.state, replica.state.replaceAll("_", " "));
  setAttribute(
    parts.state,
    "data-kind",
    // Ready for gets only.
    replica.state === "ready" && replica.connected === false
      ? "busy"
      : KINDS[replica.state] ?? "unknown",
  );
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
    replica.compared_at === null ? "" : `at ${full(replica.compared_at)}`,
  );
  setText(parts.heard, heardText(replica));
}

/** What has changed, in words. */
function changes(cluster) {
  const news = [];
  for (const replica of cluster.replicas) {
    const id = replica.replica_id;
    const [word] = equality(replica, cluster.stands_alone);
    const now = { state: replica.state.replaceAll("_", " "), word };
    const before = said.get(id);
    if (before !== undefined) {
      if (before.state !== now.state) news.push(`${id} is ${now.state}`);
      if (before.word !== now.word && replica.equal === false) {
        news.push(`${id} ${now.word}`);
      }
    }
    said.set(id, now);
  }
  return news.join(", ");
}

/** The whole cluster in one sentence. */
function verdict({ presence, replicas, diverged, other_logs }) {
  const alive = replicas.filter(({ state }) => state !== "gone");
  if (presence === "standalone") return ["standalone", "unknown"];
  if (presence === "off") return ["other replicas are not seen", "unknown"];
  if (other_logs.length > 0) return ["there are two logs", "bad"];
  if (diverged) return ["replicas differ", "bad"];
  const others = alive.filter(({ self }) => !self);
  if (others.length === 0) return ["no other replica", "unknown"];
  const equal = others.filter(({ equal }) => equal === true).length;
  return equal === others.length
    ? [`all ${alive.length} are equal`, "good"]
    : [`${equal + 1} of ${alive.length} are known to be equal`, "busy"];
}

/** Shows a text in a banner, or hides it if there is none. */
function showBanner(selector, text) {
  const banner = document.querySelector(selector);
  banner.hidden = text === "";
  setText(banner, text);
}

/**
 * Shows the answer of `/cluster`.
 *
 * @param cluster The answer.
 */
export function showCluster(cluster) {
  const body = document.querySelector("#replicas tbody");
  const ids = new Set(cluster.replicas.map(({ replica_id }) => replica_id));
  for (const [id, { row }] of rows) {
    if (!ids.has(id)) {
      row.remove();
      rows.delete(id);
      said.delete(id);
    }
  }
  cluster.replicas.forEach((replica, index) => {
    const id = replica.replica_id;
    if (!rows.has(id)) rows.set(id, makeRow());
    const made = rows.get(id);
    update(made, replica, cluster.stands_alone);
    if (body.children[index] !== made.row) {
      body.insertBefore(made.row, body.children[index] ?? null);
    }
  });
  const [text, kind] = verdict(cluster);
  const shown = document.querySelector("#verdict");
  setText(shown, text);
  setAttribute(shown, "data-kind", kind);
  setText(document.querySelector("#self"), cluster.replica_id);
  const self = cluster.replicas.find(({ self }) => self);
  setText(document.querySelector("#version"), `version ${self.version}`);
  showBanner(
    "#two-logs",
    cluster.other_logs.length > 0
      ? `${
        cluster.other_logs.map(({ follower, log_id }) =>
          `${follower} follows log ${log_id}`
        ).join(", ")
      }, and this replica log ${self.log_id}: each has a part of the sets. Compare NATS_URL and NATS_STREAM.`
      : "",
  );
  showBanner("#condition", conditionText(cluster.replicas));
  showBanner(
    "#diverged",
    cluster.diverged
      ? cluster.stands_alone === null
        ? "Replicas differ at the same sequence. Which one is wrong can't be told from here."
        : `Replica ${cluster.stands_alone} differs from all others at the same sequence, and they are equal: restart it.`
      : "",
  );
  const news = changes(cluster);
  if (news !== "") setText(document.querySelector("#changes"), news);
}
