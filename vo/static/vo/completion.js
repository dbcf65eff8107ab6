/**
 * Completes words in a text area, after the pattern of a text box with a list (ARIA Authoring Practices): nothing is chosen
 * until an arrow does, so that Enter, Tab and what one types keep their meaning.
 */

import { fitting } from "./fitting.js";
import { replace } from "./writing.js";

const LEAST = 2; // letters, before words are offered

export function completes(area, list, news) {
  let words = null;
  let offer = null;
  let chosen = -1;

  area.setAttribute("aria-autocomplete", "list");
  area.setAttribute("aria-controls", list.id);
  area.setAttribute("aria-haspopup", "listbox");

  async function known() {
    words ??= fetch(area.dataset.words, { headers: { Accept: "application/json" } })
      .then((answer) => (answer.ok ? answer.json() : null))
      .catch(() => null);
    const found = await words;
    if (found === null) words = null;
    return found;
  }

  async function open(asked) {
    const found = await known();
    if (found === null || area.selectionStart !== area.selectionEnd) return close();
    offer = fitting(area.value, area.selectionStart, found);
    const enough = offer !== null && (asked || offer.word.length >= LEAST || offer.word.includes("."));
    if (!enough || !offer.offered.length) return close(asked);
    chosen = -1;
    list.replaceChildren(...offer.offered.map(option));
    list.hidden = false;
    area.removeAttribute("aria-activedescendant");
    settle(area, list, offer.start);
    const count = offer.offered.length;
    news.textContent = `${count} word${count === 1 ? " fits" : "s fit"}; arrow down to choose`;
    return undefined;
  }

  function close(asked = false) {
    list.hidden = true;
    offer = null;
    area.removeAttribute("aria-activedescendant");
    news.textContent = asked ? "No word fits here" : "";
  }

  function choose(number) {
    const count = list.children.length;
    chosen = (number + count) % count;
    [...list.children].forEach((one, place) => one.setAttribute("aria-selected", String(place === chosen)));
    const one = list.children[chosen];
    area.setAttribute("aria-activedescendant", one.id);
    one.scrollIntoView({ block: "nearest" });
  }

  function take(number) {
    const { start } = offer;
    const { text } = offer.offered[number];
    replace(area, start, area.selectionStart, text);
    close();
  }

  area.addEventListener("input", () => open(false));
  area.addEventListener("blur", () => close());
  area.addEventListener("click", () => close());
  area.addEventListener("keydown", (event) => {
    if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      open(true);
    } else if (list.hidden) {
      return;
    } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(event.key === "ArrowDown" ? chosen + 1 : chosen < 0 ? -1 : chosen - 1);
    } else if ((event.key === "Enter" || event.key === "Tab") && chosen >= 0 && !event.ctrlKey) {
      event.preventDefault();
      take(chosen);
    } else if (["Escape", "Enter", "ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) {
      if (event.key === "Escape") event.preventDefault();
      close();
    }
  });
  list.addEventListener("pointerdown", (event) => {
    event.preventDefault(); // the text keeps the focus
    const one = event.target.closest("[role=option]");
    if (one) take([...list.children].indexOf(one));
  });
}

function option({ text, hint, about }, number) {
  const one = document.createElement("li");
  one.id = `completion-${number}`;
  one.setAttribute("role", "option");
  one.setAttribute("aria-selected", "false");
  for (const [kind, words] of [["word", text], ["unit", hint], ["about", about]]) {
    if (!words) continue;
    const part = document.createElement("span");
    part.className = kind;
    part.textContent = words;
    one.append(part, " ");
  }
  return one;
}

/** Puts the list below the place in the text; a copy of the text area measures where that is. */
function settle(area, list, place) {
  const copy = document.createElement("div");
  const look = getComputedStyle(area);
  for (const name of ["font", "lineHeight", "padding", "border", "tabSize", "letterSpacing"]) copy.style[name] = look[name];
  Object.assign(copy.style, { position: "absolute", visibility: "hidden", whiteSpace: "pre-wrap", overflowWrap: "break-word", width: `${area.offsetWidth}px`, top: "0", left: "0" });
  copy.textContent = area.value.slice(0, place);
  const mark = document.createElement("span");
  mark.textContent = area.value.slice(place) || ".";
  copy.append(mark);
  area.parentElement.append(copy);
  const { offsetLeft, offsetTop } = mark;
  copy.remove();
  const line = parseFloat(look.lineHeight);
  const left = Math.min(offsetLeft, area.offsetWidth - list.offsetWidth - 4);
  list.style.left = `${Math.max(0, left)}px`;
  list.style.top = `${Math.min(offsetTop + line - area.scrollTop, area.offsetHeight) + 4}px`;
}
