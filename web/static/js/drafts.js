// A draft that cannot be lost: sums while typing, a copy in this browser until the server has it, and an end to
// saving where another window has saved meanwhile. Without this file the buttons still save.
"use strict";

const draft = document.querySelector("form[data-draft]");
const copyKey = draft && "draft:" + draft.dataset.draft;
let changes = 0; // counts inputs: what was typed while a save was on its way is not saved by it
let sent = 0;
let isStale = draft ? draft.hasAttribute("data-stale") : false;

function number(text) {
  const cleaned = text.replace(/[,，\s]/g, "");
  return cleaned === "" || Number.isNaN(Number(cleaned)) ? 0 : Number(cleaned);
}

// Counted in ten-thousandths, the finest that fields take: binary fractions would not add up to 100.
function sumOf(ending) {
  let sum = 0;
  draft.querySelectorAll(`input[name^="requirements-"][name$="-${ending}"]`).forEach((input) => {
    sum += Math.round(number(input.value) * 10000);
  });
  return sum / 10000;
}

function showSums() {
  if (!draft.elements.reward_wan) return; // another kind of draft, which adds up for itself
  const reward = number(draft.elements.reward_wan.value);
  for (const [name, ending, target] of [["weight", "weight", 100], ["budget", "budget_wan", reward]]) {
    const output = draft.querySelector(`[data-sum-of="${name}"]`);
    const sum = sumOf(ending);
    output.textContent = sum.toLocaleString("en-US", { maximumFractionDigits: 4 });
    output.classList.toggle("text-danger", sum !== target);
  }
  draft.querySelector('[data-sum-target="budget"]').textContent =
    draft.elements.reward_wan.value ? reward.toLocaleString("en-US") : "–";
}

function typed() {
  return [...new FormData(draft)].filter(([name, value]) => name !== "_csrf_token" && typeof value === "string");
}

function keepCopy() {
  try {
    localStorage.setItem(copyKey, JSON.stringify({ at: Date.now(), fields: typed() }));
  } catch {
    // Storage that is full or forbidden: the server still has the last save.
  }
}

function dropCopy() {
  try { localStorage.removeItem(copyKey); } catch { /* as above */ }
}

function readCopy() {
  try {
    const copy = JSON.parse(localStorage.getItem(copyKey));
    return copy && Array.isArray(copy.fields) ? copy : null;
  } catch {
    return null;
  }
}

// What was typed, wherever its row stands: the server closes the gaps of empty rows, trims, and fills in sums.
function texts(fields) {
  return fields
    .filter(([name, value]) => value.trim() && !["revision", "invitee"].includes(name) && !/-id$/.test(name))
    .map(([name, value]) => `${name.replace(/-\d+-/g, "-")}=${value.replace(/\r\n/g, "\n").trim()}`);
}

function offerCopy() {
  const copy = readCopy();
  if (!copy) return;
  const here = new Set(texts(typed()));
  if (texts(copy.fields).every((text) => here.has(text))) { dropCopy(); return; }
  const box = document.getElementById("restore");
  const time = new Date(copy.at).toLocaleString("sv", { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "short" });
  box.querySelector("p").textContent = box.dataset.text.replace("{time}", time);
  box.classList.remove("d-none");
  box.querySelector("[data-discard]").addEventListener("click", () => { dropCopy(); box.remove(); });
  // Sent as a form: the server keeps every row, and says so if the draft has been saved elsewhere since.
  box.querySelector("[data-restore]").addEventListener("click", () => {
    const form = document.createElement("form");
    form.method = "post";
    form.action = draft.action;
    for (const [name, value] of [...copy.fields, ["_csrf_token", draft.elements._csrf_token.value]]) {
      const field = document.createElement("textarea");
      field.name = name;
      field.value = value;
      form.append(field);
    }
    form.hidden = true;
    document.body.append(form);
    dropCopy();
    form.submit();
  });
}

if (draft) {
  offerCopy();
  draft.addEventListener("input", (event) => {
    if (event.target.id === "invitee") return;
    changes += 1;
    showSums();
    keepCopy();
  });
  document.body.addEventListener("htmx:beforeRequest", (event) => {
    if (!draft.contains(event.detail.elt) || event.detail.requestConfig.verb !== "post") return;
    if (isStale) event.preventDefault();
    else sent = changes;
  });
  document.body.addEventListener("draft-saved", () => { if (sent === changes) dropCopy(); });
  document.body.addEventListener("draft-stale", () => { isStale = true; });
  document.body.addEventListener("htmx:afterSettle", showSums);
  // The connection or the login is back: what waits in this window goes out.
  for (const name of ["online", "focus"]) {
    window.addEventListener(name, () => {
      if (sent < changes || readCopy()) htmx.trigger(draft, "change");
    });
  }
  // A save by button takes everything along; the next page tells whether it arrived.
  draft.addEventListener("submit", keepCopy);
}
