/** Talking to a SAMP hub on this computer, by the web profile (IVOA SAMP 1.3, section 5). */

const HUB = "http://127.0.0.1:21012/";
const SECONDS = 120; // a program has so long to load what it is sent

/** No hub answers: no program is running that has one. */
export class NoHub extends Error {}

/** The hub refused a call; the message is its own. */
export class Refused extends Error {}

/** The hub refused to let this page in: its user said no. */
export class NotLetIn extends Error {}

/** Registers this page under a name, gives `use` a function that calls the hub, and leaves when that is done. */
export async function connected(name, use) {
  await call("ping");
  const identity = await call("register", { "samp.name": name }).catch((error) => {
    throw error instanceof Refused ? new NotLetIn(error.message) : error;
  });
  const hub = (method, ...parameters) => call(method, identity["samp.private-key"], ...parameters);
  const leave = () => hub("unregister").catch(() => {});
  addEventListener("pagehide", leave);
  try {
    await hub("declareMetadata", { "samp.name": name, "samp.documentation.url": location.origin });
    return await use(hub);
  } finally {
    removeEventListener("pagehide", leave);
    await leave();
  }
}

/**
 * Sends a message to every program that takes such messages, and waits until each has done what it says.
 * Returns `[{ program, problem }]`; the problem is empty where there was none.
 */
export async function sendToAll(hub, message) {
  const takers = Object.keys(await hub("getSubscribedClients", message["samp.mtype"]));
  return Promise.all(takers.map(async (id) => {
    const { "samp.name": program = id } = await hub("getMetadata", id);
    return { program, problem: await problemOf(hub("callAndWait", id, message, String(SECONDS))) };
  }));
}

async function problemOf(answer) {
  try {
    const said = await answer;
    if (said["samp.status"] === "samp.ok") return "";
    return said["samp.error"]?.["samp.errortxt"] || "it does not say why";
  } catch (error) {
    if (error instanceof Refused) return error.message;
    throw error;
  }
}

// ---- XML-RPC, of which SAMP uses texts, lists and maps

async function call(method, ...parameters) {
  let text;
  try {
    const answer = await fetch(HUB, {
      method: "POST",
      headers: { "Content-Type": "text/xml" },
      body: `<?xml version="1.0"?><methodCall><methodName>samp.webhub.${method}</methodName><params>${
        parameters.map((one) => `<param>${encoded(one)}</param>`).join("")
      }</params></methodCall>`,
      keepalive: method === "unregister",
    });
    text = await answer.text();
  } catch {
    throw new NoHub();
  }
  return answered(new DOMParser().parseFromString(text, "text/xml"));
}

function encoded(value) {
  let inside;
  if (Array.isArray(value)) inside = `<array><data>${value.map(encoded).join("")}</data></array>`;
  else if (typeof value === "object") inside = `<struct>${Object.entries(value).map(([name, one]) => `<member><name>${plain(name)}</name>${encoded(one)}</member>`).join("")}</struct>`;
  else inside = `<string>${plain(String(value))}</string>`;
  return `<value>${inside}</value>`;
}

/** Leaves of a text what SAMP may carry, which is ASCII, and makes it safe in XML. */
function plain(text) {
  return text.normalize("NFKD").replace(/[^\t\n\r -~]/g, "").replace(/[<>&]/g, (sign) => `&#${sign.charCodeAt(0)};`);
}

function answered(document) {
  const fault = document.querySelector("methodResponse > fault > value");
  if (fault) throw new Refused(decoded(fault).faultString ?? "The hub refused, without a reason.");
  const value = document.querySelector("methodResponse > params > param > value");
  if (!value) throw new NoHub();
  return decoded(value);
}

function decoded(value) {
  const kind = value.firstElementChild;
  if (kind?.tagName === "array") return [...kind.querySelectorAll(":scope > data > value")].map(decoded);
  if (kind?.tagName === "struct") {
    return Object.fromEntries([...kind.children].map((member) => [
      member.querySelector(":scope > name").textContent,
      decoded(member.querySelector(":scope > value")),
    ]));
  }
  return (kind ?? value).textContent;
}
