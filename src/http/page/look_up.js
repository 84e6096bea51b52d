/**
 * The look-up box: the user is in the address, so that it can be shared.
 *
 * @module
 */
import { Follower } from "./follower.js";
import { clearRecord, showRecord } from "./record.js";

const form = document.querySelector("#look-up form");

/** The user that is followed. */
let userId;
let follower;

function follow() {
  follower?.stop();
  // A hidden page takes no stream.
  follower = document.hidden ? undefined : new Follower(userId, showRecord);
}

/**
 * Makes the box work.
 *
 * @param onUser Gets the id of each user that is followed from then on.
 */
export function startLookUp(onUser) {
  const lookUp = (id) => {
    userId = id;
    onUser(id);
    clearRecord();
    follow();
  };
  /** Looks up the user of the address, if there is one. */
  const lookUpAddress = () => {
    const id = new URLSearchParams(location.hash.slice(1)).get("user");
    if (id === null) return;
    form.elements.user.value = id;
    lookUp(id);
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const id = form.elements.user.value;
    const hash = `#user=${encodeURIComponent(id)}`;
    if (location.hash === hash) lookUp(id);
    else location.hash = hash;
  });
  addEventListener("hashchange", lookUpAddress);
  document.addEventListener("visibilitychange", () => {
    if (userId !== undefined) follow();
  });
  lookUpAddress();
}
