/**
 * Finds users by the beginning of their ids.
 *
 * @module
 */
import { element, full } from "./format.js";
import { problemOf, showOutcome } from "./outcome.js";
import { send } from "./request.js";

/** Longer than the replica searches. */
const TIMEOUT_MS = 15_000;

const LIMIT = 20;

const form = document.querySelector("#find form");
const table = document.querySelector("#find table");
const more = document.querySelector("#more");
const outcome = document.querySelector("#find .outcome");

/** What is looked for, and after which id. */
let prefix = "";
let next = "";

function row({ user_id, ...numbers }) {
  const href = `#user=${encodeURIComponent(user_id)}`;
  return element(
    "tr",
    {},
    element("th", { scope: "row" }, element("a", { href }, user_id)),
    ...Object.values(numbers).map((value) =>
      element("td", { class: "number" }, String(value))
    ),
  );
}

function show(users) {
  const body = table.tBodies[0];
  body.append(...users.map(row));
  const { length } = body.children;
  table.hidden = length === 0;
  more.hidden = next === null;
  showOutcome(
    outcome,
    length === 0
      ? prefix === ""
        ? "There is no user yet. Set one below, or import a file."
        : "No user_id begins so."
      : next === null
      ? `${full(length)} users: all that there are.`
      : `The first ${full(length)} users.`,
  );
}

async function search() {
  showOutcome(outcome, "Searching …");
  const query = new URLSearchParams({ prefix, after: next, limit: LIMIT });
  try {
    const response = await send(`users?${query}`, TIMEOUT_MS);
    const answer = problemOf(await response.text());
    if (!response.ok) {
      throw new Error(answer.detail ?? `status ${response.status}`);
    }
    next = answer.next;
    show(answer.users);
  } catch (error) {
    showOutcome(outcome, `The search failed: ${error.message}.`, "bad");
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  prefix = form.elements.prefix.value;
  next = "";
  table.tBodies[0].replaceChildren();
  search();
});

more.addEventListener("click", search);
