/** Wires the page of the workers: it asks every few seconds, while somebody looks. */

import { fetchPiece } from "./api.js";

const EVERY = 2000; // ms

/** Asks for `address` while the page is seen, and puts what comes into `place`, unless somebody is in the midst of it. */
export function keepUp(address, place, sign) {
  async function refresh() {
    if (document.hidden) return;
    const html = await fetchPiece(address);
    sign.hidden = false;
    sign.dataset.live = html === null ? "waiting" : "on";
    sign.lastChild.textContent = html === null ? "reconnecting" : "live";
    if (html !== null && !place.contains(document.activeElement)) place.innerHTML = html;
  }

  document.addEventListener("visibilitychange", refresh);
  refresh();
  return setInterval(refresh, EVERY);
}

const { parts } = document.getElementById("workers-page").dataset;
keepUp(parts, document.getElementById("workers"), document.querySelector("[data-live-sign]"));
