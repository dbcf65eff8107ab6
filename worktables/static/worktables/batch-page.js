/** Wires the page of a batch: its numbers follow the rows. */

import { fetchPiece } from "./api.js";
import { listen } from "./live-updates.js";

const PATIENCE = 1000; // ms; counting a large batch is work

const page = document.getElementById("batch");
const { parts, events } = page.dataset;

async function refresh() {
  const html = await fetchPiece(parts);
  if (html !== null && !page.contains(document.activeElement)) page.innerHTML = html;
  await new Promise((resolve) => { setTimeout(resolve, PATIENCE); });
}

listen(events, refresh, { sign: document.querySelector("[data-live-sign]") });
