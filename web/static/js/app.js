// Small behaviours that forms and htmx cannot express. Every page works without this file.
"use strict";

const toasts = () => document.getElementById("toasts");

function toast(text, link) {
  const box = document.createElement("div");
  box.className = "alert alert-warning bg-white";
  box.setAttribute("role", "alert");
  box.textContent = text + " ";
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = "/login";
    anchor.target = "_blank";
    anchor.textContent = link;
    box.append(anchor);
  }
  toasts().replaceChildren(box);
}

document.addEventListener("login-required", () => toast(toasts().dataset.loginText, toasts().dataset.loginLink));
document.addEventListener("htmx:sendError", () => toast(toasts().dataset.offlineText));

// What cannot be undone asks first; a form without script asks nothing, and the server still checks.
document.addEventListener("submit", (event) => {
  const form = event.target;
  const button = event.submitter;
  const question = (button && button.dataset.confirm) || form.dataset.confirm;
  if (question && !window.confirm(question)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  // A second click must not send twice. The button stays enabled in the form data of this submit.
  if (!form.hasAttribute("hx-post") && !form.hasAttribute("hx-get")) {
    window.setTimeout(() => form.querySelectorAll("button").forEach((item) => { item.disabled = true; }), 0);
  }
}, true);

// Back from the browser's cache: buttons are usable again.
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    document.querySelectorAll("button:disabled").forEach((item) => { item.disabled = false; });
  }
});

// The box in a table's head marks every row, or none.
document.addEventListener("change", (event) => {
  const name = event.target.dataset.checkAll;
  if (!name || !event.target.form) return;
  event.target.form.querySelectorAll(`input[type="checkbox"][name="${name}"]`).forEach((box) => { box.checked = event.target.checked; });
});

function ready() {
  document.querySelectorAll("form[data-autosubmit]").forEach((form) => form.requestSubmit());
  const focus = document.querySelector("[data-focus]");
  if (focus) focus.focus();
  // On a phone the tab of the present page may stand outside the screen.
  const tab = document.querySelector(".challenge-places .active");
  if (tab) tab.closest(".nav").scrollLeft = tab.offsetLeft - 16;
}
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready);
else ready();
