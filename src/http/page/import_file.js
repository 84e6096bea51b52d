/**
 * Imports a file, and shows how far it is.
 *
 * @module
 */
import { full, size } from "./format.js";
import { problemOf, showOutcome } from "./outcome.js";
import { upload } from "./request.js";

const form = document.querySelector("#import form");
const { file: input, replace } = form.elements;
const start = form.querySelector("[type=submit]");
const stop = form.querySelector("#stop-import");
const progress = document.querySelector("#import progress");
const outcome = document.querySelector("#import .outcome");
const dialog = document.querySelector("#sure-replace");

/** Ends the import that runs. */
let running;

function showSent(sent, whole) {
  progress.value = sent;
  showOutcome(
    outcome,
    sent < whole
      ? `${size(sent)} of ${size(whole)} sent (${
        Math.floor(100 * sent / whole)
      } %).`
      : "All is sent; the last rows are being committed …",
  );
}

function showAnswer({ status, text }) {
  const answer = problemOf(text);
  if (status === 200) {
    const deleted = answer.deleted === undefined
      ? ""
      : `, and ${full(answer.deleted)} users who are not in it were deleted`;
    return showOutcome(
      outcome,
      `${full(answer.rows)} rows were imported${deleted}, up to sequence ${
        full(answer.log_sequence)
      }.`,
      "good",
    );
  }
  const committed = answer.rows_committed === undefined
    ? ""
    : ` ${full(answer.rows_committed)} rows before line ${
      full(answer.line)
    } are stored. The file can be imported again.`;
  showOutcome(
    outcome,
    `The import ended: ${answer.detail ?? `status ${status}`}.${committed}`,
    "bad",
  );
}

async function importFile() {
  const [file] = input.files;
  running = new AbortController();
  start.disabled = true;
  stop.hidden = progress.hidden = false;
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
    start.disabled = false;
    stop.hidden = progress.hidden = true;
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
