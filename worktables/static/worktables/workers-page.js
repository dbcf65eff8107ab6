/** Wires the page of the workers: it asks every few seconds, while somebody looks. */

import { keepUp } from "./keep-up.js";

const { parts } = document.getElementById("workers-page").dataset;
keepUp(parts, document.getElementById("workers"), document.querySelector("[data-live-sign]"));
