// Keywords as tags, counts of picked fields, and a warning before unsaved text is left. All of it is an addition:
// the plain input, the check boxes and the form work without.
"use strict";

const SEPARATOR = /[,，、;；\n]+/;

function tagged(input) {
  if (input.dataset.tags === "on") return;
  input.dataset.tags = "on";
  const words = input.value.split(SEPARATOR).map((word) => word.trim()).filter(Boolean);
  const box = document.createElement("div");
  box.className = "form-control tag-box";
  const entry = document.createElement("input");
  entry.className = "tag-entry";
  entry.type = "text";
  entry.autocomplete = "off";
  entry.id = input.id;
  for (const name of ["aria-describedby", "placeholder"]) {
    if (input.hasAttribute(name)) entry.setAttribute(name, input.getAttribute(name));
  }
  if (input.classList.contains("is-invalid")) box.classList.add("is-invalid");
  input.removeAttribute("id");
  input.type = "hidden";
  input.before(box);

  const store = () => {
    const before = input.value;
    input.value = [...words, ...(entry.value.trim() ? [entry.value.trim()] : [])].join("、");
    if (before !== input.value) input.dispatchEvent(new Event("input", { bubbles: true }));
  };
  const show = () => {
    box.replaceChildren(...words.map((word, place) => {
      const tag = document.createElement("span");
      tag.className = "badge bg-primary-lt";
      tag.textContent = word;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "tag-remove";
      button.setAttribute("aria-label", "× " + word);
      button.textContent = "×";
      button.addEventListener("click", () => { words.splice(place, 1); show(); store(); entry.focus(); });
      tag.append(button);
      return tag;
    }), entry);
  };
  const take = () => {
    for (const word of entry.value.split(SEPARATOR).map((part) => part.trim()).filter(Boolean)) {
      if (!words.includes(word)) words.push(word);
    }
    entry.value = "";
    show();
    store();
  };
  box.addEventListener("click", () => entry.focus());
  entry.addEventListener("input", (event) => {
    event.stopPropagation();
    // While an input method composes, a comma is not yet a separator.
    if (!event.isComposing && SEPARATOR.test(entry.value)) { take(); entry.focus(); } else store();
  });
  entry.addEventListener("compositionend", () => { if (SEPARATOR.test(entry.value)) { take(); entry.focus(); } });
  entry.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Enter" && entry.value.trim()) { event.preventDefault(); take(); entry.focus(); }
    if (event.key === "Backspace" && !entry.value && words.length) { words.pop(); show(); store(); entry.focus(); }
  });
  entry.addEventListener("blur", () => { if (entry.value.trim()) take(); });
  show();
}

function prepare(root) {
  root.querySelectorAll("input[data-tags]").forEach(tagged);
}

document.addEventListener("change", (event) => {
  const group = event.target.closest && event.target.closest(".subfield-group");
  if (!group) return;
  const count = group.querySelector("[data-count]");
  count.textContent = group.querySelectorAll("input:checked").length;
  count.hidden = count.textContent === "0";
});

// A form for a new item that was opened in the list is taken away again without a request.
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-remove='closest-li']");
  const row = link && link.closest("li");
  if (row) { event.preventDefault(); row.remove(); }
});

document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-keep]");
  if (form) form.dataset.changed = "";
});
let sending = false;
document.addEventListener("submit", (event) => { if (!event.target.hasAttribute("hx-post")) sending = true; });
window.addEventListener("beforeunload", (event) => {
  if (!sending && document.querySelector("form[data-keep][data-changed]")) event.preventDefault();
});

document.addEventListener("htmx:load", (event) => prepare(event.detail.elt));
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => prepare(document));
else prepare(document);
