/** Lets the cells of a grid be typed: Enter keeps and moves down, Tab keeps and moves right, Escape restores. */

export class CellEditor {
  /**
   * `addressOf(cell)` says where a cell is written, `write(address, {text, seen})` writes it, and
   * `decide(cell, refusal, text)` asks what to do when somebody was faster: it returns "mine" or "theirs".
   */
  constructor(grid, { addressOf, labelOf, write, decide, saved = () => {} }) {
    Object.assign(this, { grid, addressOf, labelOf, write, decide, saved });
    this.input = null;
    grid.body.addEventListener("dblclick", (event) => {
      const cell = event.target.closest("td.editable");
      if (cell) this.open(cell);
    });
  }

  get busyRow() {
    return this.input?.closest("tr") ?? null;
  }

  /** Opens a cell, with what it says or with what was typed first. */
  open(cell, typed = null) {
    if (!cell.matches("td.editable") || cell.classList.contains("saving")) return false;
    if (this.input?.closest("td") === cell) return true;
    const input = document.createElement("input");
    input.value = typed ?? cell.dataset.typed;
    input.setAttribute("aria-label", this.labelOf(cell));
    input.autocomplete = "off";
    input.spellcheck = false;
    this.input = input;
    this.shown = [...cell.childNodes];
    cell.classList.add("editing");
    cell.replaceChildren(input);
    input.focus();
    if (typed === null) input.select();
    input.addEventListener("keydown", (event) => this.key(event, cell));
    input.addEventListener("blur", () => { if (this.input === input && !this.keeping) this.keep(cell); });
    return true;
  }

  key(event, cell) {
    const [row, column] = this.grid.placeOf(cell);
    const moves = { Enter: [row + 1, column], Tab: [row, column + (event.shiftKey ? -1 : 1)] };
    if (event.key === "Escape") {
      this.close(cell);
      this.grid.go(row, column);
      this.saved(cell.parentElement); // what came meanwhile was not shown
    } else if (event.key in moves) {
      this.keep(cell, moves[event.key]);
    } else {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  }

  /** Shows again what the cell said. */
  close(cell) {
    this.input = null;
    cell.classList.remove("editing", "refused");
    cell.removeAttribute("aria-invalid");
    cell.replaceChildren(...this.shown);
  }

  /** Writes what was typed; what is refused stays open with the reason beside it. */
  async keep(cell, next = null) {
    const { input, shown } = this;
    const text = input.value;
    if (text === cell.dataset.typed) {
      this.close(cell);
      if (next) this.grid.go(...next);
      return;
    }
    this.keeping = true;
    cell.classList.add("saving");
    let seen = JSON.parse(cell.dataset.value);
    try {
      for (;;) {
        try {
          await this.write(this.addressOf(cell), { text, seen });
          break;
        } catch (refusal) {
          if (refusal.code !== "edit-conflict") throw refusal;
          if ((await this.decide(cell, refusal, text)) !== "mine") {
            this.shown = shown;
            this.close(cell);
            this.saved(cell.parentElement);
            return;
          }
          seen = refusal.facts.present;
        }
      }
      this.close(cell);
      cell.textContent = text;
      cell.classList.toggle("null", text === "");
      if (next) this.grid.go(...next);
      this.saved(cell.parentElement);
    } catch (refusal) {
      this.refuse(cell, input, refusal);
    } finally {
      cell.classList.remove("saving");
      this.keeping = false;
    }
  }

  refuse(cell, input, refusal) {
    cell.classList.add("refused");
    cell.querySelector(".refusal")?.remove();
    const words = document.createElement("span");
    words.className = "refusal";
    words.id = "cell-refusal";
    words.setAttribute("role", "alert");
    words.textContent = refusal.message;
    input.setAttribute("aria-invalid", "true");
    input.setAttribute("aria-describedby", words.id);
    cell.append(words);
    input.focus();
  }
}
