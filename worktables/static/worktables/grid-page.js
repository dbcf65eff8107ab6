/** Wires the page of a table: keys, editing, ticking, and rows that change by themselves. */

import { toast } from "../portal/toasts.js";
import { fetchPiece, parsed, writeCell } from "./api.js";
import { CellEditor } from "./cell-editor.js";
import { Grid } from "./grid.js";
import { listen, replaceRow } from "./live-updates.js";

const table = document.getElementById("grid");
const keys = document.getElementById("keys");
const head = table.tHead.rows[0];
const nameOf = (cell) => head.cells[cell.cellIndex].dataset.column;
const rowOf = (cell) => cell.parentElement.dataset.row;

// ---- keys and editing

const grid = new Grid(table, { onKey });

const editor = new CellEditor(grid, {
  addressOf: (cell) => `${table.dataset.cells}${rowOf(cell)}/cells/${nameOf(cell)}/`,
  labelOf: (cell) => `${nameOf(cell)} of row ${rowOf(cell)}`,
  isText: (cell) => "text" in head.cells[cell.cellIndex].dataset,
  write: writeCell,
  decide,
  saved: (row) => refresh({ rows: [Number(row.dataset.row)], all: false, table: false }),
});

function onKey(event, cell) {
  if (event.key === "Enter") {
    if (editor.open(cell)) return true;
    const link = cell.querySelector("a");
    if (link) link.click();
    return Boolean(link);
  }
  if (event.key === " ") {
    const tick = cell.parentElement.querySelector("[data-tick]");
    if (!tick || event.target === tick) return false;
    tick.click();
    return true;
  }
  if (event.key === "o") {
    cell.parentElement.querySelector("th a").click();
    return true;
  }
  return false;
}

/** Asks what to do with a cell that somebody else has changed. */
function decide(cell, refusal, text) {
  const dialog = document.getElementById("conflict");
  const say = (name, words) => { dialog.querySelector(`[data-conflict-${name}]`).textContent = words; };
  const shown = (value) => (value === null || value === undefined ? "empty" : value === "" ? "“”" : Array.isArray(value) ? value.join(" ") : String(value));
  say("words", `“${nameOf(cell)}” of row ${rowOf(cell)} was changed while you typed.`);
  say("mine", text || "empty");
  say("present", shown(refusal.facts.present));
  say("seen", shown(refusal.facts.seen));
  dialog.returnValue = "theirs";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue || "theirs"), { once: true });
  });
}

const showKeys = document.querySelector("[data-show-keys]");
showKeys.hidden = false;
showKeys.addEventListener("click", () => keys.showModal());
addEventListener("keydown", (event) => {
  if (event.key === "?" && !event.target.matches("input, textarea, select")) keys.showModal();
});

// ---- ticking

const all = document.querySelector("[data-tick-all]");
const ticks = () => [...table.querySelectorAll("[data-tick]")];

function count() {
  const number = ticks().filter((tick) => tick.checked).length;
  const shown = document.querySelector("[data-ticked]");
  if (shown) shown.textContent = number || "";
  if (all) {
    all.checked = number > 0 && number === ticks().length;
    all.indeterminate = number > 0 && !all.checked;
  }
}

if (all) {
  all.hidden = false;
  all.addEventListener("change", () => { ticks().forEach((tick) => { tick.checked = all.checked; }); count(); });
}
table.addEventListener("change", (event) => { if (event.target.matches("[data-tick]")) count(); });

// ---- filters: what is empty need not stand in the address

document.getElementById("filters").addEventListener("formdata", (event) => {
  for (const [name, value] of [...event.formData]) if (!value.trim()) event.formData.delete(name);
});

// ---- rows that change by themselves

const news = document.getElementById("news");
const status = document.getElementById("status");
let offered = false;

async function refresh({ rows, all: everything, table: changed }) {
  if (changed && !offered) {
    offered = true;
    const box = toast("The table itself was changed: its columns, name or settings.", "error");
    const button = document.createElement("button");
    button.className = "small";
    button.textContent = "Load it anew";
    button.addEventListener("click", () => location.reload());
    box.insertBefore(button, box.lastChild);
    box.className = "message warning";
  }
  const present = new Set([...table.tBodies[0].rows].map((row) => row.dataset.row));
  const wanted = rows.map(String).filter((row) => present.has(row));
  const [body, facts] = await Promise.all([
    everything ? fetchPiece(table.dataset.rows + location.search)
      : wanted.length ? fetchPiece(`${table.dataset.rows}?ids=${wanted.join(",")}`) : null,
    fetchPiece(table.dataset.status),
  ]);
  if (facts !== null) replaceStatus(facts);
  if (body === null) return;
  const fresh = [...parsed(body).children];
  grid.keepFocus(() => (everything ? replaceAll(fresh) : fresh.forEach(replaceOne)));
  count();
  news.textContent = `${fresh.length} row${fresh.length === 1 ? "" : "s"} changed. ${status.querySelector(".plan")?.textContent ?? ""}`;
}

function replaceOne(fresh) {
  const old = document.getElementById(fresh.id);
  if (old && old !== editor.busyRow && old.outerHTML !== fresh.outerHTML) replaceRow(old, fresh);
}

function replaceAll(fresh) {
  const body = table.tBodies[0];
  const there = new Set(fresh.map((row) => row.id));
  for (const row of [...body.rows]) if (!there.has(row.id) && row !== editor.busyRow) row.remove();
  fresh.forEach((row, number) => {
    const old = document.getElementById(row.id);
    if (old) replaceOne(row);
    else body.insertBefore(row, body.rows[number] ?? null);
  });
}

function replaceStatus(html) {
  const open = status.querySelector("details[open]") !== null;
  if (status.contains(document.activeElement) && open) return;
  status.innerHTML = html;
  const cancel = document.querySelector("[data-cancel-ticked]");
  if (cancel) cancel.hidden = status.querySelector("[data-busy]") === null;
  if (open) status.querySelector("details")?.setAttribute("open", "");
}

listen(table.dataset.events, refresh, { sign: document.querySelector("[data-live-sign]") });
