/** Keeps a piece of a page up to date, while somebody looks. */

import { fetchPiece } from "./api.js";

const EVERY = 2000; // ms

/**
 * Asks for `address` while the page is seen, and puts what comes into `place`, unless somebody is in the midst of it.
 * `changed` is told, with what was there before.
 */
export function keepUp(address, place, sign, changed = () => {}) {
  async function refresh() {
    if (document.hidden) return;
    const html = await fetchPiece(address);
    sign.hidden = false;
    sign.dataset.live = html === null ? "waiting" : "on";
    sign.lastChild.textContent = html === null ? "reconnecting" : "live";
    if (html === null || place.contains(document.activeElement)) return;
    const before = place.cloneNode(true);
    place.innerHTML = html;
    changed(before);
  }

  document.addEventListener("visibilitychange", refresh);
  refresh();
  return setInterval(refresh, EVERY);
}
