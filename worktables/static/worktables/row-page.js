/** Wires the page of a row: sources light up with their lines, and what changes is replaced by itself. */

import { fetchPiece, parsed } from "./api.js";
import { listen } from "./live-updates.js";
import { lightTogether } from "./sky.js";

const { events, parts } = document.getElementById("row-page").dataset;
const body = document.getElementById("row-body");
const row = Number(body.dataset.row);
const news = document.getElementById("news");

/** Says whether somebody is at work in a part of the page, so that it must stay as it is. */
function inUse(part) {
  if (part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return true;
  if (part.querySelector("[aria-invalid=true]")) return true;
  return [...part.querySelectorAll("input, textarea")].some(
    (field) => field.value !== field.defaultValue || field.checked !== field.defaultChecked,
  );
}

async function refresh({ rows, all }) {
  if (!all && !rows.includes(row)) return;
  const html = await fetchPiece(parts + location.search);
  if (html === null) return;
  const fresh = parsed(html);
  for (const part of body.querySelectorAll("[data-part]")) {
    const other = fresh.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!other) continue;
    for (const one of other.querySelectorAll("details[data-keep]")) {
      one.open = part.querySelector(`details[data-keep="${one.dataset.keep}"]`)?.open ?? false;
    }
    if (withoutTokens(other) === withoutTokens(part) || inUse(part)) continue;
    part.replaceWith(other);
  }
  fillFragments();
  news.textContent = `Row ${row} is ${body.querySelector("[data-part=state] .state")?.dataset.state ?? "changed"}.`;
}

/** Returns the HTML of a part without the tokens of its forms, which differ each time. */
function withoutTokens(part) {
  return part.innerHTML.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, "");
}

/** Loads what other parts of the portal tell about this row. */
async function fillFragments() {
  for (const place of body.querySelectorAll("[data-fragment]:not([data-filled])")) {
    place.dataset.filled = "";
    const html = await fetchPiece(place.dataset.fragment);
    if (html === null) continue;
    const piece = parsed(html);
    await dress(piece);
    place.replaceChildren(piece);
    place.dataset.filled = "done";
  }
}

/** Takes the style sheets of a piece into the head and waits for them: shown without, it is too wide and jumps. */
function dress(piece) {
  return Promise.all([...piece.querySelectorAll("link[rel=stylesheet]")].map((sheet) => {
    sheet.remove();
    if (document.head.querySelector(`link[href="${sheet.getAttribute("href")}"]`)) return null;
    return new Promise((resolve) => {
      sheet.addEventListener("load", resolve);
      sheet.addEventListener("error", resolve);
      document.head.append(sheet);
    });
  }));
}

lightTogether(body);
fillFragments();
listen(events, refresh, { sign: document.querySelector("[data-live-sign]") });
