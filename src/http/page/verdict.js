/**
 * What works and what does not, and why, in words: the first thing that the page
 * says. It touches no element.
 *
 * @module
 */
import { full } from "./format.js";

/** What a state that takes no sets means, before the replica's own reason. */
const STATE_TEXTS = {
  starting: "this replica is starting",
  restoring: "this replica is restoring its records",
  catching_up: "this replica is catching up with the log",
  ahead_of_log: "the log has lost changes that this replica has",
  healing: "the log has lost changes and is being repaired",
  forked: "the log went on without changes that only this replica has",
  upgrade_required: "the log needs a newer version of UserGrade",
  draining: "this replica is stopping",
};

/** What to do in a state that does not end by itself. */
const REMEDIES = {
  forked:
    "Save a backup from this replica before you restart it; OPERATIONS.md says how to go on (Two histories).",
  upgrade_required: "Start this replica with the version that the others have.",
};

/** The kinds of findings, the worst last. */
const KINDS = ["good", "unknown", "busy", "bad"];

/** A replica's id, or those of some: `a`, `a and b`, `a, b and c`. */
function list(ids) {
  return new Intl.ListFormat("en").format(ids);
}

function idsOf(replicas) {
  return list(replicas.map(({ replica_id }) => replica_id));
}

function isOrAre(replicas) {
  return replicas.length === 1 ? "is" : "are";
}

/** Why something is refused, with what the state means. */
function why(refused, { state, restore }) {
  const text = STATE_TEXTS[state];
  const progress = restore ? ` (${restore.percent} %)` : "";
  return text === undefined || refused.startsWith("the service is read-only")
    ? refused
    : `${text}${progress}: ${refused}`;
}

/** Whether gets and sets work. */
function service({ gets_refused: gets, sets_refused: sets, leaving }, self) {
  if (gets !== null) {
    return ["bad", `Gets and sets are refused: ${why(gets, self)}`];
  }
  if (sets !== null) {
    return ["bad", `Gets work, and sets are refused: ${why(sets, self)}`];
  }
  return leaving === null
    ? ["good", "Gets and sets work"]
    : ["busy", `Gets and sets work, but not for long: ${leaving}`];
}

/** The sequences at which replicas were compared: `sequence 12`. */
function comparedAt(replicas) {
  const sequences = replicas.map(({ compared_at }) => compared_at);
  const [least, most] = [Math.min(...sequences), Math.max(...sequences)];
  return least === most
    ? `sequence ${full(least)}`
    : `sequences ${full(least)} to ${full(most)}`;
}

/** Which of the replicas that are there have the same records. */
function equality(present, self) {
  const others = present.filter((one) => one !== self);
  if (others.length === 0) return undefined;
  const equal = others.filter((one) => one.equal === true);
  if (equal.length === 0) {
    return ["unknown", "No other replica was compared with this one yet."];
  }
  const at = comparedAt(equal);
  if (equal.length < others.length) {
    const rest = others.filter((one) => one.equal !== true);
    return [
      "unknown",
      `${idsOf([self, ...equal])} have equal records (compared at ${at}); ${
        idsOf(rest)
      } ${isOrAre(rest)} not compared.`,
    ];
  }
  return [
    "good",
    others.length === 1
      ? `${idsOf(present)} have equal records, compared at ${at}.`
      : `All ${present.length} replicas that are here have equal records, compared at ${at}.`,
  ];
}

/** What is wrong between the replicas. */
function conflicts({ other_logs, diverged, stands_alone }, self) {
  const found = [];
  if (other_logs.length > 0) {
    const followers = other_logs.map(({ follower, log_id }) =>
      `${follower} follows log ${log_id}`
    );
    found.push([
      "bad",
      `There are two logs: ${
        list(followers)
      }, and this replica log ${self.log_id}. Each has a part of the sets: compare NATS_URL and NATS_STREAM.`,
    ]);
  }
  if (diverged) {
    found.push([
      "bad",
      stands_alone === null
        ? "Replicas differ at the same sequence. Which one is wrong can't be told from here; OPERATIONS.md says how to find out (Two replicas disagree)."
        : `Replica ${stands_alone} differs from all others at the same sequence, and they are equal: restart it.`,
    ]);
  }
  return found;
}

/** What the other replicas do. */
function others({ presence, replicas, diverged }, self) {
  if (presence === "standalone") {
    return [["good", "This replica is standalone: it replicates to no other."]];
  }
  const of = (...states) =>
    replicas.filter((one) => one !== self && states.includes(one.state));
  const found = [];
  const unknown = of("unknown");
  if (presence === "off") {
    found.push([
      "unknown",
      "Other replicas can't be seen: NATS does not let this one exchange heartbeats.",
    ]);
  } else if (unknown.length > 0) {
    found.push([
      "unknown",
      `${idsOf(unknown)} can't be heard from here now, and may be up or not.`,
    ]);
  } else if (replicas.length === 1) {
    found.push([
      "unknown",
      "No other replica is here. Start one with another REPLICA_ID and the same NATS_URL and NATS_STREAM.",
    ]);
  }
  const gone = of("gone");
  if (gone.length > 0) {
    found.push(["busy", `${idsOf(gone)} ${isOrAre(gone)} gone.`]);
  }
  const present = replicas.filter(({ state }) =>
    state !== "gone" && state !== "unknown"
  );
  const busy = present.filter((one) => one !== self && one.state !== "ready");
  for (const one of busy) {
    const state = one.state.replaceAll("_", " ");
    found.push(["busy", `${one.replica_id} is ${state}: ${one.reason}.`]);
  }
  const whole = present.filter((one) =>
    one === self || !["starting", "restoring"].includes(one.state)
  );
  const equal = diverged ? undefined : equality(whole, self);
  return equal === undefined ? found : [...found, equal];
}

/**
 * @param cluster The answer of `/cluster`.
 * @param status The answer of `/status`.
 * @returns `kind`: how good all of it is; `sentence`: whether gets and sets work,
 * and why not; `sentenceKind`: how good that is; `notes`: what else is to be known, each with its kind, the worst
 * first.
 */
export function verdict(cluster, status) {
  const self = cluster.replicas.find((one) => one.self);
  const [sentenceKind, sentence] = service(status, self);
  const remedy = REMEDIES[self.state];
  const notes = [
    ...(remedy === undefined ? [] : [["bad", remedy]]),
    ...conflicts(cluster, self),
    ...others(cluster, self),
  ].map(([kind, text]) => ({ kind, text }))
    .sort((a, b) => KINDS.indexOf(b.kind) - KINDS.indexOf(a.kind));
  const worst = KINDS[
    Math.max(
      KINDS.indexOf(sentenceKind),
      ...notes.map(({ kind }) => KINDS.indexOf(kind)),
    )
  ];
  return { kind: worst, sentence: `${sentence}.`, sentenceKind, notes };
}

/**
 * @param cluster The answer of `/cluster`.
 * @param status The answer of `/status`.
 * @returns The title of the page: the replica, and what it can do.
 */
export function title({ replica_id }, status) {
  const state = status.gets_refused !== null
    ? status.state.replaceAll("_", " ")
    : status.sets_refused !== null
    ? "sets refused"
    : status.state.replaceAll("_", " ");
  return `${replica_id}: ${state} – UserGrade`;
}
