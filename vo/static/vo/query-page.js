/** Wires the page of queries: keys, the list of tables, and what was typed is there again after a detour. */

import { completes } from "./completion.js";
import { listTables } from "./table-list.js";
import { growing, insert, place } from "./writing.js";

const form = document.getElementById("asking");
const text = document.getElementById("adql");

growing(text);
completes(text, document.getElementById("completions"), document.getElementById("completed"));
document.querySelector("[data-hint]").hidden = false;

text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    form.requestSubmit(form.querySelector("button.primary"));
  }
});

// ---- where something is wrong

if (text.dataset.line) {
  text.focus();
  text.setSelectionRange(...place(text.value, Number(text.dataset.line), Number(text.dataset.column)));
}

// ---- what was typed and not yet run

const DRAFT = `stoa.query.draft.${text.dataset.writer}`; // of one person, in one tab
if (!text.value && !location.search) text.value = sessionStorage.getItem(DRAFT) ?? "";
text.addEventListener("input", () => sessionStorage.setItem(DRAFT, text.value));
if (text.value) sessionStorage.setItem(DRAFT, text.value);

listTables(document.getElementById("tables"), document.getElementById("table-words"), (name) => insert(text, name));
