/**
 * Saves a backup as a file, or says why there is none now.
 *
 * @module
 */
import { count, full } from "./format.js";
import { showOutcome } from "./outcome.js";
import { send } from "./request.js";

const TIMEOUT_MS = 10_000;

const link = document.querySelector("#backup a");
const outcome = document.querySelector("#backup .outcome");

/** What the backup of now would be. HEAD makes none. */
async function lookAhead() {
  const response = await send("backup", TIMEOUT_MS, { method: "HEAD" });
  if (!response.ok) {
    throw new Error(
      `this replica has no whole state now (status ${response.status})`,
    );
  }
  return JSON.parse(response.headers.get("backup-info"));
}

link.addEventListener("click", async (event) => {
  // The browser saves it by itself, which needs no memory of the page.
  if (!event.isTrusted) return;
  event.preventDefault();
  try {
    const { rows, sequence } = await lookAhead();
    link.click();
    showOutcome(
      outcome,
      `The browser is saving ${count(rows, "user")}, as of sequence ${
        full(sequence)
      }.`,
      "good",
    );
  } catch (error) {
    showOutcome(outcome, `There is no backup: ${error.message}.`, "bad");
  }
});
