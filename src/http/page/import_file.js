/**
 * Imports a file, and shows how far it is.
 *
 * @module
 */
import { count, full, setText, size } from "./format.js";
import { problemOf, showOutcome } from "./outcome.js";
import { upload } from "./request.js";

const form = document.querySelector("#import form");
const { file: input, replace } = form.elements;
const start = form.querySelector("[type=submit]");
const stop = form.querySelector("#stop-import");
const progress = document.querySelector("#import progress");
const sentText = document.querySelector("#sent");
const outcome = document.querySelector("#import .outcome");
const dialog = document.querySelector("#sure-replace");

/** Ends the import that runs. */
let running;

/** The outcome is read out, so that it does not change with each number. */
function showSent(sent, whole) {
  progress.value = sent;
  setText(
    sentText,
    `${size(sent)} of ${size(whole)} sent (${
      whole === 0 ? 100 : Math.floor(100 * sent / whole)
    } %).`,
  );
  showOutcome(
    outcome,
    sent < whole
      ? "Sending the file …"
      : "All is sent; the last rows are being committed …",
  );
}

function showRunning(isRunning) {
  const hadFocus = [start, stop].includes(document.activeElement);
  start.disabled = isRunning;
  stop.hidden = progress.hidden = sentText.hidden = !isRunning;
  // A button that is disabled or hidden loses it.
  if (hadFocus) (isRunning ? stop : start).focus();
}

function showAnswer({ status, text }) {
  const answer = problemOf(text);
  if (status === 200) {
    const deleted = answer.deleted === undefined
      ? ""
      : ` Deleted: ${count(answer.deleted, "user")} not in the file.`;
    return showOutcome(
      outcome,
      `Imported: ${count(answer.rows, "row")}, up to sequence ${
        full(answer.log_sequence)
      }.${deleted}`,
      "good",
    );
  }
  const committed = answer.rows_committed === undefined
    ? ""
    : ` Stored before line ${full(answer.line)}: ${
      count(answer.rows_committed, "row")
    }. The file can be imported again.`;
  showOutcome(
    outcome,
    `The import ended: ${answer.detail ?? `status ${status}`}.${committed}`,
    "bad",
  );
}

async function importFile() {
  const [file] = input.files;
  running = new AbortController();
  showRunning(true);
  progress.max = Math.max(1, file.size);
  showSent(0, file.size);
  try {
    showAnswer(
      await upload(
        replace.checked ? "import?replace=true" : "import",
        file,
        // A form's head is counted too.
        (sent) => showSent(Math.min(sent, file.size), file.size),
        running.signal,
      ),
    );
  } catch {
    showOutcome(
      outcome,
      running.signal.aborted
        ? "Stopped: the rows that had arrived are stored. The file can be imported again."
        : "No answer came: some rows may be stored. The file can be imported again.",
      "bad",
    );
  } finally {
    showRunning(false);
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (replace.checked) dialog.showModal();
  else importFile();
});

stop.addEventListener("click", () => running.abort());

dialog.querySelector("#keep-others").addEventListener(
  "click",
  () => dialog.close(),
);

dialog.querySelector("#do-replace").addEventListener("click", () => {
  dialog.close();
  importFile();
});
