/** Which words fit where one writes in a query: tables after FROM, columns of the tables it names, functions, keywords. */

const MOST = 12;
const NAME = String.raw`(?:"(?:[^"]|"")*"|\w+)`;
const DOTTED = String.raw`${NAME}(?:\.${NAME})?`;
const CLAUSE = "(?:from|where|join|on|inner|left|right|full|natural|cross|group|order|having|union|except|intersect|using|offset|as)\\b";
const SOURCE = new RegExp(String.raw`(?:\b(?:from|join)\s+|,\s*)(${DOTTED})(?:\s+(?:as\s+)?(?!${CLAUSE})(${NAME}))?`, "gi");
const AT_END = new RegExp(String.raw`(?:"[^"]*|${NAME}?)(?:\.(?:"[^"]*|\w*))?$`);

/** Returns where the word that one is writing begins, and the word. */
export function wordBefore(text, caret) {
  const before = text.slice(0, caret);
  if (/(^|\n)[^\n']*--[^\n]*$/.test(before) || quotes(before) % 2) return null;
  const word = AT_END.exec(before)[0];
  return { start: caret - word.length, word };
}

/** How many quotes of texts there are; an odd number means that one is writing a text. */
function quotes(text) {
  return text.split("'").length - 1;
}

/** Returns tables that a query names, by the name under which it speaks of them. */
export function named(text, tables) {
  const found = new Map();
  const byName = new Map(tables.map((table) => [table.name.toLowerCase(), table]));
  for (const [, name, alias] of text.matchAll(SOURCE)) {
    const full = name.toLowerCase();
    const table = byName.get(full) ?? tables.find((one) => one.name.toLowerCase().endsWith(`.${full}`));
    if (!table) continue;
    found.set((alias ?? table.name).toLowerCase(), table);
  }
  return found;
}

/** Returns the words that fit at the caret, each as `{ text, hint, about }`, and where what they replace begins. */
export function fitting(text, caret, words) {
  const at = wordBefore(text, caret);
  if (at === null) return null;
  const tables = named(text, words.tables);
  const before = text.slice(0, at.start);
  const dot = at.word.lastIndexOf(".");
  let offered;
  if (dot >= 0) {
    const whose = at.word.slice(0, dot).toLowerCase();
    const table = tables.get(whose) ?? [...tables.values()].find((one) => one.name.toLowerCase().endsWith(`.${whose}`));
    offered = table
      ? table.columns.map((column) => ofColumn(column, at.word.slice(0, dot + 1)))
      : words.tables.filter((one) => one.name.toLowerCase().startsWith(`${whose}.`)).map(ofTable);
  } else if (/\b(from|join)\s*$/i.test(before) || /\bfrom\s+[\w".\s]+,\s*$/i.test(before)) {
    offered = words.tables.map(ofTable);
  } else {
    const columns = [...tables.values()].flatMap((table) => table.columns.map((column) => ofColumn(column, "")));
    const aliases = [...tables.keys()].filter((name) => !name.includes(".")).map((name) => ({ text: name, hint: "alias", about: "" }));
    offered = [...columns, ...aliases, ...words.functions.map(ofFunction), ...words.keywords.map(ofKeyword), ...words.tables.map(ofTable)];
  }
  return { start: at.start, word: at.word, offered: best(offered, at.word.toLowerCase()) };
}

const ofColumn = ({ name, unit, about }, prefix) => ({ text: prefix + name, hint: unit, about });
const ofTable = ({ name, about }) => ({ text: name, hint: "table", about });
const ofFunction = ({ name, signature, about }) => ({ text: `${name}(`, hint: signature, about });
const ofKeyword = (word) => ({ text: word, hint: "", about: "" });

/** Keeps what begins with the word, then what has it inside; a word that is complete needs no help. */
function best(offered, word) {
  const bare = (one) => one.text.toLowerCase().replaceAll('"', "");
  const wanted = word.replaceAll('"', "");
  const seen = new Set();
  const fresh = offered.filter((one) => !seen.has(bare(one)) && seen.add(bare(one)));
  const starting = fresh.filter((one) => bare(one).startsWith(wanted));
  const inside = wanted.length > 1 ? fresh.filter((one) => !bare(one).startsWith(wanted) && bare(one).includes(wanted)) : [];
  const found = [...starting, ...inside];
  return found.length === 1 && bare(found[0]) === wanted ? [] : found.slice(0, MOST);
}
