/** Moves through a table by keys: one cell at a time can be reached by Tab, the arrows go to the others. */

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

export class Grid {
  /** `onKey(event, cell)` gets the keys that do not move; it returns true for those it has used. */
  constructor(table, { onKey = () => false } = {}) {
    this.table = table;
    this.body = table.tBodies[0];
    this.onKey = onKey;
    this.place = [0, 0];
    table.setAttribute("role", "grid");
    this.body.addEventListener("keydown", (event) => this.key(event));
    this.body.addEventListener("focusin", (event) => this.noticed(event));
    this.body.addEventListener("click", (event) => this.clicked(event));
    this.refresh();
  }

  /** Makes the present cell, and only it, reachable by Tab; to be called when rows have been replaced. */
  refresh() {
    for (const inside of this.body.querySelectorAll("a, input[data-tick]")) inside.tabIndex = -1;
    for (const cell of this.body.querySelectorAll("[tabindex='0']")) cell.tabIndex = -1;
    const cell = this.cellAt(...this.place) ?? this.cellAt(0, 0);
    if (cell) cell.tabIndex = 0;
  }

  cellAt(row, column) {
    return this.body.rows[row]?.cells[column];
  }

  placeOf(cell) {
    return [cell.parentElement.sectionRowIndex, cell.cellIndex];
  }

  /** Moves to a cell, as far as the table reaches. */
  go(row, column) {
    const rows = this.body.rows;
    if (!rows.length) return null;
    row = Math.min(Math.max(row, 0), rows.length - 1);
    column = Math.min(Math.max(column, 0), rows[row].cells.length - 1);
    const cell = this.cellAt(row, column);
    this.body.querySelector("[tabindex='0']")?.setAttribute("tabindex", "-1");
    cell.tabIndex = 0;
    this.place = [row, column];
    cell.focus();
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
    return cell;
  }

  /** Keeps the focus where it was although its row has been replaced. */
  keepFocus(change) {
    const inside = this.body.contains(document.activeElement);
    change();
    this.refresh();
    if (inside && !this.body.contains(document.activeElement)) this.go(...this.place);
  }

  /** A click on a cell goes there; links and fields in it keep what they do. */
  clicked(event) {
    const cell = event.target.closest("td, th");
    if (cell && !event.target.closest("a, button, input, label")) this.go(...this.placeOf(cell));
  }

  noticed(event) {
    const cell = event.target.closest("td, th");
    if (!cell) return;
    this.place = this.placeOf(cell);
    this.refresh();
  }

  key(event) {
    if (event.target.matches("input:not([type=checkbox])") || event.ctrlKey || event.metaKey || event.altKey) return;
    const cell = event.target.closest("td, th");
    const [row, column] = this.placeOf(cell);
    const ends = { Home: [row, 0], End: [row, 1e6], PageUp: [row - 15, column], PageDown: [row + 15, column] };
    if (event.key in STEPS) {
      const [down, right] = STEPS[event.key];
      this.go(row + down, column + right);
    } else if (event.key in ends) {
      this.go(...ends[event.key]);
    } else if (!this.onKey(event, cell)) {
      return;
    }
    event.preventDefault();
  }
}
