/* How does a manager add a step without leaving the page? By a copy of the empty row, numbered on. */
(() => {
  "use strict";
  document.addEventListener("click", (event) => {
    if (!(event.target instanceof Element) || !event.target.closest("[data-add-step]")) return;
    const rows = document.querySelector("[data-steps]");
    const total = document.querySelector('[name="steps-TOTAL_FORMS"]');
    const empty = document.querySelector("[data-step-template]");
    const index = Number(total.value);
    const made = document.createElement("tbody");
    made.innerHTML = empty.innerHTML.replaceAll("__prefix__", String(index));
    const row = made.firstElementChild;
    row.querySelector("[data-step-number]").textContent = String(index + 1);
    rows.append(row);
    total.value = String(index + 1);
    row.querySelector("input, select")?.focus();
  });
})();
