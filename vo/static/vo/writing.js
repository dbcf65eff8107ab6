/** What one does with a text area in which a query is written. */

/** Lets it grow with its lines, also where the browser does not do that by itself. */
export function growing(area) {
  if (CSS.supports("field-sizing", "content")) return;
  const fit = () => { area.rows = Math.max(8, Math.min(30, area.value.split("\n").length + 1)); };
  area.addEventListener("input", fit);
  fit();
}

/** Puts a word in the place of what is selected, apart from the words beside it; Ctrl+Z takes it back. */
export function insert(area, word) {
  const before = area.value.slice(0, area.selectionStart);
  const after = area.value.slice(area.selectionEnd);
  const spaced = `${/[\w"]$/.test(before) ? " " : ""}${word}${/^[\w"]/.test(after) ? " " : ""}`;
  replace(area, area.selectionStart, area.selectionEnd, spaced);
}

/** Replaces a part of the text as if it were typed. */
export function replace(area, start, end, words) {
  area.focus();
  area.setSelectionRange(start, end);
  if (!document.execCommand("insertText", false, words)) {
    area.setRangeText(words, start, end, "end");
    area.dispatchEvent(new InputEvent("input", { bubbles: true }));
  }
}

/** Returns start and end of what stands at a line and column, counted from 1. */
export function place(text, line, column) {
  const lines = text.split("\n");
  const start = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0) + column - 1;
  const word = /^(\w+|\S)/.exec(text.slice(start));
  return [start, start + (word ? word[0].length : 0)];
}
