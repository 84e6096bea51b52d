/**
 * The look-up box: the user is in the address, so that it can be shared.
 *
 * @module
 */
import { element, full } from "./format.js";

const TIMEOUT_MS = 10_000;

const form = document.querySelector("#look-up form");
const found = document.querySelector("#found");
/** The number of the last look-up; answers to earlier ones are dropped. */
let current = 0;

async function ask(id) {
  const response = await fetch(
    `/get?user_id=${encodeURIComponent(id)}&min_sequence=0`,
    { signal: AbortSignal.timeout(TIMEOUT_MS) },
  );
  const body = await response.json();
  if (!response.ok) return problem(body.detail ?? body.title);
  const sequence = Number(response.headers.get("log-sequence"));
  const fields = Object.entries(body).map(([name, value]) =>
    element(
      "div",
      {},
      element("dt", {}, name),
      element("dd", { "data-field": name }, String(value)),
    )
  );
  return [
    element("dl", {}, ...fields),
    element("small", {}, `at sequence ${full(sequence)}`),
  ];
}

function problem(text) {
  return [
    element("p", { class: "word problem", "data-kind": "bad" }, text),
  ];
}

async function lookUp(id) {
  const number = ++current;
  let shown;
  try {
    shown = await ask(id);
  } catch {
    shown = problem("This replica does not answer");
  }
  if (number === current) found.replaceChildren(...shown);
}

/** Looks up the user of the address, if there is one. */
function lookUpAddress() {
  const id = new URLSearchParams(location.hash.slice(1)).get("user");
  if (id === null) return;
  form.elements.user.value = id;
  lookUp(id);
}

/** Makes the box work. */
export function startLookUp() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const id = form.elements.user.value;
    const hash = `#user=${encodeURIComponent(id)}`;
    if (location.hash === hash) lookUp(id);
    else location.hash = hash;
  });
  addEventListener("hashchange", lookUpAddress);
  lookUpAddress();
}
