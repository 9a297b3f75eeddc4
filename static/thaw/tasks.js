/* How are tasks worked without a mouse? One in hand; the keys of its buttons, by physical position. While typing, with Alt.
   State is read from the page each time, so that a swapped desk needs no set-up. */
(() => {
  "use strict";
  const doc = document;
  const { isTyping } = window.thaw;
  const desk = () => doc.getElementById("tasks");
  const act = (name) => desk()?.querySelector(`[data-act="${name}"]:not(:disabled)`);
  const KEYS = { KeyD: "done", KeyN: "next", KeyP: "previous", KeyS: "later", KeyC: "cannot", KeyZ: "undo", KeyO: "open", KeyI: "research" };
  const field = () => doc.querySelector("#task-form :is(input, select, textarea):not([type=hidden])");

  const press = (code) => {
    const choice = /^(?:Digit|Numpad)([1-9])$/.exec(code);
    if (choice) {
      const button = desk()?.querySelector(`[data-choice="${choice[1]}"]`);
      button?.click();
      return Boolean(button);
    }
    const button = act(KEYS[code]);
    if (!button) return false;
    if (KEYS[code] === "cannot" && button.matches("summary")) {
      const more = button.parentElement;
      more.open = !more.open;
      if (more.open) more.querySelector("input:not([type=hidden])").focus();
      return true;
    }
    // What is asked for and not typed yet is typed first; a filled form is sent.
    const empty = KEYS[code] === "done" && [...doc.querySelectorAll("#task-form [required]")].find((one) => !one.value);
    if (empty) { empty.focus(); return true; }
    button.click();
    return true;
  };

  doc.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || doc.querySelector("dialog[open]") || !desk()) return;
    const inForm = event.target instanceof Element && event.target.closest("#task-form, #task-cannot form");
    if (event.key === "Enter" && inForm) {
      // A list and a text have a use for Enter of their own; with Ctrl every field sends.
      const sends = event.ctrlKey || event.metaKey || (event.target instanceof HTMLInputElement || event.target instanceof HTMLSelectElement);
      if (!sends) return;
      event.preventDefault();
      if (!event.repeat) inForm.querySelector("button:not([type=button])").click();
      return;
    }
    if (event.ctrlKey || event.metaKey || (isTyping(event.target) && !event.altKey)) return;
    if (event.getModifierState("AltGraph")) return;
    if (event.repeat) { if (KEYS[event.code]) event.preventDefault(); return; }
    if (press(event.code)) event.preventDefault();
  });

  /* ── After every swap: the new task's first field has the focus, unless something was refused ── */
  let shown = desk()?.dataset.item;
  const begin = () => {
    const root = desk();
    if (!root) return;
    const wrong = root.querySelector("#task-form [aria-invalid=true]");
    const asked = root.querySelector("[data-autofocus]");
    const first = wrong ?? asked ?? field() ?? root.querySelector("[data-choice]");
    first?.focus({ preventScroll: root.dataset.item === shown && !wrong });
    shown = root.dataset.item;
    const undo = root.querySelector("[data-undo-for]");
    if (undo) setTimeout(() => undo.remove(), Number(undo.dataset.undoFor) * 1000);
  };
  doc.addEventListener("htmx:afterSettle", (event) => { if (event.detail.target?.id === "tasks" || event.detail.elt.id === "tasks") begin(); });
  begin();
})();
