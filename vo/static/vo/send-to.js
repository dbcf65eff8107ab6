/** <send-to>: a button that sends a table or an image of ours to TOPCAT, Aladin and whoever else listens on this computer. */

import { toast } from "../portal/toasts.js";
import { connected, NoHub, NotLetIn, sendToAll } from "./samp.js";

const QUESTION = 1000; // ms: whoever has let us in before is faster
const IDS = { "table.load.votable": "table-id", "image.load.fits": "image-id" };

/** The portal did not give the address that a program could open. */
class NoAddress extends Error {}

class SendTo extends HTMLElement {
  connectedCallback() {
    this.addEventListener("click", this);
  }

  handleEvent() {
    if (!this.hasAttribute("aria-busy")) this.send();
  }

  async send() {
    const { mtype, id, name, program } = this.dataset;
    this.setAttribute("aria-busy", "true");
    this.say("Waiting for your permission…");
    const asking = setTimeout(() => {
      this.question = toast(`A window of ${program}, or of what else has the SAMP hub, asks whether this page may connect: say yes there.`, "warning");
    }, QUESTION);
    const settled = () => {
      clearTimeout(asking);
      this.question?.remove();
    };
    try {
      const outcomes = await connected("Stoa", async (hub) => {
        settled();
        this.say("Sending…");
        const parameters = { url: await this.address(), [IDS[mtype]]: new URL(id, location).href, name };
        return sendToAll(hub, { "samp.mtype": mtype, "samp.params": parameters });
      });
      report(outcomes, name, program);
    } catch (error) {
      toast(sentenceFor(error, program), "error");
    } finally {
      settled();
      this.removeAttribute("aria-busy");
      this.say(this.dataset.words);
    }
  }

  say(words) {
    this.querySelector("[data-words]").textContent = words;
  }

  /** Returns the address under which a program on this computer gets it; what not everybody sees is signed first. */
  async address() {
    const { address, sign } = this.dataset;
    if (!sign) return new URL(address, location).href;
    const answer = await fetch(`${sign}?${new URLSearchParams({ address })}`, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!answer) throw new NoAddress("The portal cannot be reached; nothing was sent. Try again.");
    if (answer.redirected) throw new NoAddress("You are signed out by now; load the page anew and sign in.");
    const facts = await answer.json().catch(() => ({}));
    if (!answer.ok) throw new NoAddress(facts.detail ?? `The portal answered ${answer.status}; nothing was sent.`);
    return facts.address;
  }
}

function report(outcomes, name, program) {
  const loaded = outcomes.filter((one) => !one.problem).map((one) => one.program);
  if (!outcomes.length) toast(`No program here takes it. Start ${program}, then try again.`, "error");
  if (loaded.length === 1) toast(`Sent: ${loaded[0]} has loaded ${name}.`);
  if (loaded.length > 1) toast(`Sent to ${loaded.length} programs, which have loaded ${name}: ${loaded.join(", ")}.`);
  for (const one of outcomes) if (one.problem) toast(`Sent, but ${one.program} did not load ${name}: ${one.problem}`, "error");
}

function sentenceFor(error, program) {
  if (error instanceof NoHub) {
    return `No program answers on this computer. Start ${program}, then try again; if your browser asks whether this page may connect to this computer, allow it.`;
  }
  if (error instanceof NotLetIn) return "Nothing was sent: this page was not let in. Try again, and say yes when you are asked.";
  return error instanceof NoAddress ? error.message : `Nothing was sent: ${error.message}`;
}

customElements.define("send-to", SendTo);
