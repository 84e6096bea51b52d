/**
 * Finds users by the beginning of their ids.
 *
 * @module
 */
import { count, element } from "./format.js";
import { problemOf, showOutcome } from "./outcome.js";
import { send } from "./request.js";

/** Longer than the replica searches. */
const TIMEOUT_MS = 15_000;

const LIMIT = 20;

const form = document.querySelector("#find form");
const place = document.querySelector("#find .wide");
const table = place.querySelector("table");
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
  const found = users.map(row);
  body.append(...found);
  const { length } = body.children;
  place.hidden = length === 0;
  // A button that is hidden would leave the keyboard at the page's beginning.
  if (document.activeElement === more) found[0]?.querySelector("a").focus();
  more.hidden = next === null;
  showOutcome(
    outcome,
    length === 0
      ? prefix === ""
        ? "There is no user yet. Set one below, or import a file."
        : "No user_id begins so."
      : next === null
      ? `${count(length, "user")}, and no more.`
      : `The first ${count(length, "user")}.`,
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
