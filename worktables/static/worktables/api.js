/** Talking to the portal: cells by its API, pieces of pages as HTML. */

/** Something the portal refused: its code, its words, and the facts it gave. */
export class Refused extends Error {
  constructor(status, facts) {
    super(facts.detail ?? `The portal answered ${status}.`);
    this.status = status;
    this.code = facts.code ?? "";
    this.facts = facts;
  }
}

/** Returns the token that proves that a request comes from our page. */
export function csrfToken() {
  return document.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "";
}

/** Writes a cell: `{text, seen}` is what was typed and the value one had seen. */
export async function writeCell(address, change) {
  let answer;
  try {
    answer = await fetch(address, {
      method: "PATCH",
      headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRFToken": csrfToken() },
      body: JSON.stringify(change),
    });
  } catch {
    throw new Refused(0, { code: "unreachable", detail: "The portal cannot be reached; what you typed is kept here. Try again." });
  }
  const facts = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(answer.status, facts);
  return facts;
}

/** Fetches a piece of a page; returns null when it is gone or the portal is away. */
export async function fetchPiece(address) {
  try {
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return null;
    return await answer.text();
  } catch {
    return null;
  }
}

/** Parses HTML that may begin with a table row. */
export function parsed(html) {
  const template = document.createElement("template");
  template.innerHTML = html;
  return template.content;
}
