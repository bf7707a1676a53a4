// The industry picker: a click on a choice fills the field. Without this file codes are typed or looked up.
"use strict";

document.addEventListener("click", (event) => {
  const choice = event.target.closest("[data-choice]");
  const picker = choice && choice.closest("[data-picker]");
  if (!picker) {
    document.querySelectorAll("[data-picker] .picker-choices").forEach((list) => {
      if (!list.parentElement.contains(event.target)) list.replaceChildren();
    });
    return;
  }
  const input = picker.querySelector("input");
  input.value = choice.dataset.choice;
  picker.querySelector(".picker-choices").replaceChildren();
  input.focus();
  // "change" lets the size follow; "input" would ask for choices again.
  input.dispatchEvent(new Event("change", { bubbles: true }));
});

document.addEventListener("keydown", (event) => {
  const picker = event.target.closest && event.target.closest("[data-picker]");
  if (!picker) return;
  const list = picker.querySelector(".picker-choices");
  const choices = [...list.querySelectorAll("[data-choice]")];
  if (event.key === "Escape") {
    list.replaceChildren();
    picker.querySelector("input").focus();
  } else if (choices.length && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
    event.preventDefault();
    const step = event.key === "ArrowDown" ? 1 : -1;
    const next = choices.indexOf(document.activeElement) + step;
    if (next < 0) picker.querySelector("input").focus();
    else (choices[next] || choices[choices.length - 1]).focus();
  }
});
