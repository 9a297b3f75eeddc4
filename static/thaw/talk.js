/* What to say to what they answered? The tip for the answer that is being typed, beside its question. */
(() => {
  "use strict";
  const doc = document;
  const tip = (field) => {
    const place = field.closest("label")?.querySelector("[data-tip]");
    if (!place) return;
    const said = field.value.trim().toLocaleLowerCase();
    const fits = [...(field.list?.options ?? [])].find((one) => one.value.toLocaleLowerCase() === said);
    const words = fits?.dataset.say || place.dataset.tip;
    if (place.textContent !== words) place.textContent = words;
  };
  const all = () => { for (const field of doc.querySelectorAll("input[data-tips]")) if (field.value) tip(field); };
  doc.addEventListener("input", (event) => { if (event.target instanceof HTMLInputElement && "tips" in event.target.dataset) tip(event.target); });
  doc.addEventListener("htmx:afterSettle", all);
  all();
})();
