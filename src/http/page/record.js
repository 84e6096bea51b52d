/**
 * A user's record as it is followed.
 *
 * @module
 */
import { element, full, setAttribute, setText } from "./format.js";

const found = document.querySelector("#found");
const live = found.querySelector("#live");
const absent = found.querySelector("#absent");
const list = found.querySelector("dl");
const place = found.querySelector("#at");

/** The shown values by their fields' names. */
const values = new Map();
/** When changes stopped being told. */
let silentSince;

function showFields(record) {
  for (const [name, value] of Object.entries(record)) {
    if (!values.has(name)) {
      const shown = element("dd", { "data-field": name });
      values.set(name, shown);
      // A changed value is read out with its name.
      list.append(
        element(
          "div",
          { "aria-atomic": "true" },
          element("dt", {}, name),
          shown,
        ),
      );
    }
    setText(values.get(name), String(value));
  }
}

function liveText({ isLive, trouble, record }) {
  if (isLive) return ["Live", "good"];
  if (trouble === "") return ["Connecting …", "busy"];
  if (record === undefined) return [trouble, "bad"];
  silentSince ??= new Date();
  return [
    `Not live since ${silentSince.toLocaleTimeString()}: ${trouble}. What is shown below is from before.`,
    "bad",
  ];
}

/**
 * Shows what is known of a user.
 *
 * @param sight As `Follower` tells it.
 */
export function showRecord(sight) {
  const { record, isDeleted, sequence, isLive } = sight;
  found.hidden = false;
  if (isLive) silentSince = undefined;
  const [text, kind] = liveText(sight);
  setText(live, text);
  setAttribute(live, "data-kind", kind);
  list.hidden = !record;
  if (record) showFields(record);
  absent.hidden = record !== null;
  setText(
    absent,
    record !== null
      ? ""
      : isDeleted
      ? "This user was deleted"
      : "No user has this user_id",
  );
  setText(
    place,
    sequence === undefined ? "" : `at sequence ${full(sequence)}`,
  );
}

/** Another user is looked for: nothing is known of it. */
export function clearRecord() {
  silentSince = undefined;
  showRecord({ isLive: false, trouble: "" });
}
