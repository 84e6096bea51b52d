/**
 * Names for screen readers, and places for the keyboard, where Swagger UI has
 * none.
 *
 * @module
 */

/** What has no name, and the name it gets. */
const NAMES = {
  "#servers": () => "Server",
  ".examples-select-element": () => "Example",
  "textarea.body-param__text": () => "Body",
  "input[type=file]": () => "File",
  "[data-param-name] select": (element) =>
    element.closest("[data-param-name]").dataset.paramName,
  ".responses-table": (element) => `Answers to ${requestOf(element)}`,
  ".live-responses-table": (element) => `Answer to ${requestOf(element)}`,
};

/** What stands outside of all landmarks, and the name of the one it becomes. */
const REGIONS = {
  ".information-container": "About the service",
  ".scheme-container": "Server and credentials",
};

/** The method and the path of the operation that has an element. */
function requestOf(element) {
  const operation = element.closest(".opblock");
  const method = operation.querySelector(".opblock-summary-method");
  const path = operation.querySelector(".opblock-summary-path");
  return `${method.textContent} ${path.dataset.path}`;
}

function isScrollable(element) {
  return element.scrollWidth > element.clientWidth ||
    element.scrollHeight > element.clientHeight;
}

/**
 * Names and places for what is there, and from now on for what comes.
 *
 * @param root The element that has it all.
 */
export function keepAccessible(root) {
  const correct = () => {
    nameRegions(root);
    nameControls(root);
    for (const code of root.querySelectorAll("pre.microlight")) {
      // So that the arrow keys can scroll it in every browser.
      if (isScrollable(code)) code.tabIndex = 0;
    }
  };
  const observer = new MutationObserver(correct);
  observer.observe(root, { childList: true, subtree: true });
  correct();
}

function nameRegions(root) {
  for (const [selector, label] of Object.entries(REGIONS)) {
    const element = root.querySelector(selector);
    element?.setAttribute("role", "region");
    element?.setAttribute("aria-label", label);
  }
}

function nameControls(root) {
  for (const [selector, nameOf] of Object.entries(NAMES)) {
    for (const element of root.querySelectorAll(selector)) {
      if (!element.hasAttribute("aria-label")) {
        element.setAttribute("aria-label", nameOf(element));
      }
    }
  }
}
