/** The list of tables: found while one types, and what is clicked goes into the query. */

import { fetchPiece } from "../worktables/api.js";

const PAUSE = 250; // ms

export function listTables(list, search, take) {
  let timer = null;
  let asked = 0;

  /** Makes buttons of the names of columns, and shows those of the tables. */
  function dress() {
    for (const button of list.querySelectorAll("button[data-insert][hidden]")) button.hidden = false;
    for (const name of list.querySelectorAll("code[data-insert]")) {
      const button = document.createElement("button");
      button.type = "button";
      button.className = "insert";
      button.dataset.insert = name.dataset.insert;
      button.textContent = name.textContent;
      button.title = "Put it into the query";
      name.replaceWith(button);
    }
  }

  async function find() {
    const number = ++asked;
    const html = await fetchPiece(`${list.dataset.address}?tables=${encodeURIComponent(search.value)}`);
    if (html === null || number !== asked) return;
    list.innerHTML = html;
    dress();
  }

  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, PAUSE);
  });
  search.form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    find();
  });
  list.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-insert]");
    if (!button) return;
    take(button.dataset.insert);
  });
  dress();
}
