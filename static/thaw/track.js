/* How long is the pitch while it is typed, and how does a manager add a row without leaving the page? */
(() => {
  "use strict";
  const doc = document;

  // As the server counts: a field is one word, a dash is none.
  const words = (text) => text.replace(/\{[^{}]*\}/g, "x").split(/[\s[\]|]+/).filter((part) => /[\p{L}\p{N}]/u.test(part)).length;
  const count = () => {
    const field = doc.querySelector("textarea[data-words]");
    const said = doc.querySelector("[data-words-said]");
    if (!field || !said) return;
    const n = words(field.value);
    const long = n > Number(field.dataset.words);
    said.querySelector("[data-count]").textContent = String(n);
    said.classList.toggle("is-stop", long);
    field.setAttribute("aria-invalid", String(long));
  };
  doc.addEventListener("input", (event) => { if (event.target instanceof Element && event.target.matches("textarea[data-words]")) count(); });
  count();

  doc.addEventListener("click", (event) => {
    const button = event.target instanceof Element && event.target.closest("[data-add-row]");
    if (!button) return;
    const part = button.closest("[data-part]");
    const total = part.querySelector(`[name="${part.dataset.part}-TOTAL_FORMS"]`);
    const index = Number(total.value);
    const made = doc.createElement("div");
    made.innerHTML = part.querySelector("template").innerHTML.replaceAll("__prefix__", String(index));
    const row = made.firstElementChild;
    row.querySelector("[data-row-number]").textContent = String(index + 1);
    part.querySelector("[data-rows]").append(row);
    total.value = String(index + 1);
    row.querySelector("input, textarea")?.focus();
  });
})();
