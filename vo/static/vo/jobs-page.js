/** Wires the pages of jobs: phases change by themselves, and are told to screen readers. */

import { keepUp } from "../worktables/keep-up.js";

const jobs = document.getElementById("jobs");
const news = document.getElementById("news");
const phases = (root) => new Map([...root.querySelectorAll("[data-job]")].map((one) => [one.dataset.job, one.dataset.phase]));

function tell(before) {
  const old = phases(before);
  const changed = [...phases(jobs)].filter(([job, phase]) => old.has(job) && old.get(job) !== phase);
  if (changed.length) news.textContent = changed.map(([, phase]) => `A job is ${phase}.`).join(" ");
}

keepUp(jobs.dataset.address, jobs, document.querySelector("[data-live-sign]"), tell);
