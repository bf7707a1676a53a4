// Sums of a bid's budget and person-months while they are typed. Without this file the server adds up when it saves.
"use strict";

const bidForm = document.querySelector("form[data-draft^='bid-']");

// In hundredths: binary fractions would not add up.
function hundredths(text) {
  const cleaned = text.replace(/[,，\s]/g, "");
  return cleaned === "" || Number.isNaN(Number(cleaned)) ? 0 : Math.round(Number(cleaned) * 100);
}

function shown(sum) {
  return (sum / 100).toLocaleString("en-US", { maximumFractionDigits: 2 });
}

function addUp() {
  const byYear = new Map();
  let all = 0;
  bidForm.querySelectorAll("#budget tbody tr").forEach((row) => {
    let own = 0;
    row.querySelectorAll("input[data-year]").forEach((input) => {
      const amount = hundredths(input.value);
      own += amount;
      byYear.set(input.dataset.year, (byYear.get(input.dataset.year) || 0) + amount);
    });
    const total = row.querySelector("input[data-total]");
    total.placeholder = shown(own);
    const typed = total.value.trim() !== "";
    total.classList.toggle("text-danger", typed && hundredths(total.value) !== own);
    all += typed ? hundredths(total.value) : own;
  });
  bidForm.querySelectorAll("[data-sum-of-year]").forEach((cell) => {
    cell.textContent = shown(byYear.get(cell.dataset.sumOfYear) || 0);
  });
  const everything = [...byYear.values()].reduce((sum, amount) => sum + amount, 0);
  const cell = bidForm.querySelector("[data-sum-of-all]");
  cell.textContent = shown(all);
  cell.classList.toggle("text-danger", all !== everything);
  let months = 0;
  bidForm.querySelectorAll("input[name^='people-'][name$='-person_months']").forEach((input) => {
    months += hundredths(input.value);
  });
  const output = bidForm.querySelector("[data-sum='person_months']");
  if (output) output.textContent = shown(months);
}

if (bidForm) {
  addUp();
  bidForm.addEventListener("input", addUp);
  document.body.addEventListener("htmx:afterSettle", addUp);
}
