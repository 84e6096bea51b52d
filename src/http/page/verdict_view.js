/**
 * The place where the page says what works and what does not.
 *
 * @module
 */
import { element, setAttribute, setText } from "./format.js";
import { title, verdict } from "./verdict.js";

const section = document.querySelector("#verdict");
const sentence = section.querySelector("p");
const list = section.querySelector("ul");

/** The texts that are shown, to change nothing that has not changed. */
let shown;

function showNotes(notes) {
  const texts = JSON.stringify(notes);
  if (texts === shown) return;
  shown = texts;
  list.replaceChildren(
    ...notes.map(({ kind, text }) =>
      element("li", { "data-kind": kind }, text)
    ),
  );
  list.hidden = notes.length === 0;
}

/**
 * Shows the verdict and the title.
 *
 * @param cluster The answer of `/cluster`.
 * @param status The answer of `/status`.
 */
export function showVerdict(cluster, status) {
  const found = verdict(cluster, status);
  setText(sentence, found.sentence);
  setAttribute(sentence, "data-kind", found.sentenceKind);
  setAttribute(section, "data-kind", found.kind);
  showNotes(found.notes);
  document.title = title(cluster, status);
  setText(document.querySelector("#self"), cluster.replica_id);
  setText(document.querySelector("#version"), `version ${status.version}`);
}

/**
 * The replica does not answer: nothing is known of what works.
 *
 * @param text Why, in a sentence.
 */
export function showSilent(text) {
  setText(sentence, text);
  setAttribute(sentence, "data-kind", "bad");
  setAttribute(section, "data-kind", "bad");
  showNotes([{
    kind: "unknown",
    text: "What is shown below is from before.",
  }]);
  document.title = `${
    document.querySelector("#self").textContent
  }: no answer – UserGrade`;
}
