/** Wires the page of a project: its graph and list follow what the tables do. */

import { fetchPiece } from "./api.js";
import { listen } from "./live-updates.js";

const { events, tables } = document.getElementById("project-page").dataset;
const section = document.getElementById("tables");

async function refresh() {
  if (!section) return;
  const html = await fetchPiece(tables);
  if (html === null || section.contains(document.activeElement)) return;
  section.innerHTML = html;
}

listen(events, refresh, { sign: document.querySelector("[data-live-sign]") });
