/**
 * The page of the set listener: follows a user, sets and deletes it. The
 * browser asks for the password by itself, once, and keeps it in memory.
 *
 * @module
 */
import { full, setText } from "./format.js";
import { startLookUp } from "./look_up.js";
import { showOutcome } from "./outcome.js";
import { NotSentError, send } from "./request.js";

/** Longer than a replica waits for a body and for the commit. */
const TIMEOUT_MS = 60_000;

const section = document.querySelector("#edit");
const form = section.querySelector("form");
const inputs = [...form.querySelectorAll("input")];
const outcome = section.querySelector("#outcome");
const dialog = document.querySelector("#sure");

let userId;
/** Whether an answer is awaited; nothing more is sent until then. */
let isBusy = false;

function say(text, kind) {
  showOutcome(outcome, text, kind);
}

/** Shows what is wrong with each field; empty if nothing is. */
function showErrors(errors) {
  for (const input of inputs) {
    const texts = errors.filter(({ field }) => field === input.name)
      .map(({ message }) => message);
    setText(document.querySelector(`#${input.id}-problem`), texts.join("; "));
    if (texts.length > 0) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
  inputs.find((input) => input.hasAttribute("aria-invalid"))?.focus();
}

/** A number where there is one; of anything else the replica says what is wrong. */
function valueOf(text) {
  try {
    const value = JSON.parse(text);
    return Number.isFinite(value) ? value : text;
  } catch {
    return text;
  }
}

/** The fields that are not empty. */
function patch() {
  const filled = inputs.filter(({ value }) => value.trim() !== "")
    .map(({ name, value }) => [name, valueOf(value)]);
  return { user_id: userId, ...Object.fromEntries(filled) };
}

function refusal({ status }, { detail, title, errors = [] }) {
  showErrors(errors);
  // With 504 the detail says that the outcome is unknown.
  say(status === 504 ? detail : `Nothing changed: ${detail ?? title}`, "bad");
}

/**
 * Sends a change of the user.
 *
 * @param path Where to.
 * @param body What.
 * @param done Makes a text of a success and its sequence.
 */
async function change(path, body, done) {
  if (isBusy) return;
  isBusy = true;
  say("Sent, and not committed yet …");
  try {
    const response = await send(path, TIMEOUT_MS, {
      method: "POST",
      body: JSON.stringify(body),
    });
    const answer = await response.json();
    if (!response.ok) return refusal(response, answer);
    const sequence = full(Number(response.headers.get("log-sequence")));
    form.reset();
    showErrors([]);
    say(done(answer, sequence), "good");
  } catch (error) {
    say(
      error instanceof NotSentError
        ? `Nothing changed: ${error.message}`
        : "No answer came: it may have changed or not.",
      "bad",
    );
  } finally {
    isBusy = false;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  change(
    "set",
    patch(),
    ({ user_id }, sequence) => `${user_id} was set at sequence ${sequence}.`,
  );
});

document.querySelector("#delete").addEventListener("click", () => {
  setText(dialog.querySelector("b"), userId);
  dialog.showModal();
});

dialog.querySelector("#keep").addEventListener("click", () => dialog.close());

dialog.querySelector("#do-delete").addEventListener("click", () => {
  dialog.close();
  change(
    "delete",
    { user_id: userId },
    ({ user_id, existed }, sequence) =>
      existed
        ? `${user_id} was deleted at sequence ${sequence}.`
        : `There was no user ${user_id} at sequence ${sequence}.`,
  );
});

document.querySelector("#find table").addEventListener("click", (event) => {
  const link = event.target.closest("a");
  if (link === null) return;
  // The keyboard goes on where the user is changed.
  const goThere = () => {
    document.querySelector("#look-up").scrollIntoView();
    section.focus({ preventScroll: true });
  };
  if (link.hash === location.hash) goThere();
  else addEventListener("hashchange", goThere, { once: true });
});

startLookUp((id) => {
  userId = id;
  section.hidden = false;
  setText(section.querySelector("h2 b"), id);
  form.reset();
  showErrors([]);
  say("");
});
