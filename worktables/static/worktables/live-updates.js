/** Hears what happens to a table or project, and asks for what changed: bundled, a few times a second at most. */

const AT_MOST_EVERY = 250; // ms

/**
 * Listens to a stream of events and calls `refresh({rows, all, table})` with everything that came since the last
 * call; the next call waits for the last one to finish.
 */
export function listen(address, refresh, { sign } = {}) {
  const news = { rows: new Set(), all: false, table: false };
  let busy = false;
  let last = 0;
  let timer = null;

  async function tell() {
    timer = null;
    busy = true;
    last = performance.now();
    const told = { rows: [...news.rows], all: news.all, table: news.table };
    news.rows.clear();
    news.all = news.table = false;
    try {
      await refresh(told);
    } finally {
      busy = false;
      if (news.rows.size || news.all || news.table) plan();
    }
  }

  function plan() {
    if (busy || timer !== null) return;
    timer = setTimeout(tell, Math.max(0, last + AT_MOST_EVERY - performance.now()));
  }

  const source = new EventSource(address);
  const data = (event) => {
    try { return JSON.parse(event.data); } catch { return {}; }
  };
  source.addEventListener("rows", (event) => {
    const { rows = [], all = false } = data(event);
    rows.forEach((row) => news.rows.add(row));
    news.all ||= all;
    plan();
  });
  source.addEventListener("table", () => { news.table = true; plan(); });
  source.addEventListener("reload", () => { news.all = news.table = true; plan(); });
  source.addEventListener("open", () => show("on"));
  source.addEventListener("error", () => show("waiting"));
  addEventListener("pagehide", () => source.close());

  function show(state) {
    if (!sign) return;
    sign.hidden = false;
    sign.dataset.live = state;
    sign.lastChild.textContent = state === "on" ? "live" : "reconnecting";
  }
  return source;
}

/** Puts a new row in the place of the old one and lets what changed in it light up. */
export function replaceRow(old, fresh) {
  const before = [...old.cells].map((cell) => cell.textContent);
  const ticked = old.querySelector("[data-tick]")?.checked;
  [...fresh.cells].forEach((cell, number) => {
    if (cell.textContent !== before[number]) cell.classList.add("changed");
  });
  if (ticked) fresh.querySelector("[data-tick]").checked = true;
  old.replaceWith(fresh);
}
