/**
 * Lets the cells of a grid be typed: Enter keeps and moves down, Tab keeps and moves right, Escape restores.
 *
 * An empty box is null. In a cell of text it can be empty text instead: ↓, or a press on the words below the box,
 * changes from one to the other.
 */

const BLANK = "“”"; // as the portal writes empty text

export class CellEditor {
  /**
   * `addressOf(cell)` says where a cell is written, `write(address, {text, seen})` writes it (or `{value, seen}`),
   * `isText(cell)` says whether it holds text, and `decide(cell, refusal, text)` asks what to do when somebody was faster: it returns "mine" or "theirs".
   */
  constructor(grid, { addressOf, labelOf, isText, write, decide, saved = () => {} }) {
    Object.assign(this, { grid, addressOf, labelOf, isText, write, decide, saved });
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
    this.emptiness = this.isText(cell) ? this.offerBlank(cell, input) : null;
    input.focus();
    if (typed === null) input.select();
    input.addEventListener("keydown", (event) => this.key(event, cell));
    input.addEventListener("blur", () => { if (this.input === input && !this.keeping) this.keep(cell); });
    return true;
  }

  /** Says below an empty box what it stands for, and lets that be changed; returns what asks and changes it. */
  offerBlank(cell, input) {
    const button = document.createElement("button");
    button.type = "button";
    button.tabIndex = -1; // Tab keeps and moves on; ↓ does what the button does
    button.className = "emptiness small";
    button.id = "cell-emptiness";
    const aloud = document.createElement("span");
    aloud.className = "sr";
    aloud.setAttribute("role", "status");
    input.setAttribute("aria-describedby", button.id);
    let blank = JSON.parse(cell.dataset.value) === "";
    const show = () => {
      button.hidden = input.value !== "";
      button.textContent = blank ? `empty text ${BLANK}; ↓ for null` : `null; ↓ for empty text ${BLANK}`;
      aloud.textContent = button.hidden ? "" : button.textContent;
    };
    const turn = () => { blank = !blank; show(); };
    button.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
    button.addEventListener("click", turn);
    input.addEventListener("input", show);
    show();
    cell.append(button, aloud);
    return { turn, value: () => (blank ? "" : null) };
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
    } else if ((event.key === "ArrowDown" || event.key === "ArrowUp") && this.emptiness && event.target.value === "") {
      this.emptiness.turn();
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
    let seen = JSON.parse(cell.dataset.value);
    const said = text === "" && this.emptiness ? { value: this.emptiness.value() } : { text };
    if (text === cell.dataset.typed && (!("value" in said) || said.value === seen)) {
      this.close(cell);
      if (next) this.grid.go(...next);
      return;
    }
    this.keeping = true;
    cell.classList.add("saving");
    try {
      for (;;) {
        try {
          await this.write(this.addressOf(cell), { ...said, seen });
          break;
        } catch (refusal) {
          if (refusal.code !== "edit-conflict") throw refusal;
          if ((await this.decide(cell, refusal, said.value === "" ? BLANK : text)) !== "mine") {
            this.shown = shown;
            this.close(cell);
            this.saved(cell.parentElement);
            return;
          }
          seen = refusal.facts.present;
        }
      }
      this.close(cell);
      cell.textContent = said.value === "" ? BLANK : text;
      cell.classList.toggle("blank", said.value === "");
      cell.classList.toggle("null", text === "" && said.value !== "");
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
