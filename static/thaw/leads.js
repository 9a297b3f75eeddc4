/* What does the list of leads do beyond its HTML? It chooses every row at once and says how many are chosen. */
(() => {
  "use strict";
  const picks = () => [...document.querySelectorAll("[data-pick]")];

  const count = () => {
    const place = document.querySelector("[data-picked]");
    if (!place) return;
    const all = picks();
    const n = all.filter((box) => box.checked).length;
    place.textContent = n === 0 ? "" : n === 1 ? place.dataset.one : place.dataset.many.replace("{n}", String(n));
    const whole = document.querySelector("[data-pick-all]");
    if (whole) {
      whole.checked = n > 0 && n === all.length;
      whole.indeterminate = n > 0 && n < all.length;
    }
    for (const box of all) box.closest("tr").setAttribute("aria-selected", String(box.checked));
  };

  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-all]")) for (const box of picks()) box.checked = event.target.checked;
    if (event.target.matches("[data-pick], [data-pick-all]")) {
      count();
      const bulk = document.querySelector("[data-bulk]");
      if (bulk && picks().some((box) => box.checked)) bulk.open = true;
    }
  });
  document.addEventListener("htmx:afterSwap", count);
  count();
})();
