/* How is a call rehearsed by keyboard? With the keys of the call screen, by position; nothing here dials or keeps anything. */
(() => {
  "use strict";
  const doc = document;
  const { toast, isTyping } = window.thaw;
  const screen = () => doc.getElementById("rehearsal");
  const form = () => doc.getElementById("rehearse-form");
  const chosen = () => form()?.querySelector('.outcomes [aria-pressed="true"]');
  const say = (words) => {
    const then = doc.getElementById("then");
    if (then) then.textContent = words || then.dataset.rest;
  };
  const clear = () => { chosen()?.removeAttribute("aria-pressed"); say(""); };
  const waits = (button) => "talks" in button.dataset || "dangerous" in button.dataset;

  const choose = (button) => {
    clear();
    button.setAttribute("aria-pressed", "true");
    const dangerous = "dangerous" in button.dataset;
    say(doc.getElementById("then").dataset[dangerous ? "confirmWords" : "talkWords"]);
    if (dangerous) button.focus(); else doc.getElementById("notes").focus();
  };

  doc.addEventListener("click", (event) => {
    const at = event.target instanceof Element ? event.target : null;
    const outcome = at?.closest("#rehearse-form .outcomes button[name=outcome]");
    if (outcome && waits(outcome) && chosen() !== outcome) { event.preventDefault(); choose(outcome); return; }
    const more = at?.closest('[data-act="more"]');
    if (more) more.setAttribute("aria-expanded", String(form().querySelector(".outcomes").classList.toggle("all")));
  }, true);

  const press = (code) => {
    const action = JSON.parse(screen().dataset.keys)[code];
    if (action === "note") { doc.getElementById("notes")?.focus(); return true; }
    if (action) {
      const node = screen().querySelector(`[data-act="${action === "elsewhere" ? "dial" : action}"]:not(:disabled)`);
      node?.click();
      return Boolean(node);
    }
    const button = form()?.querySelector(`.outcomes button[data-code="${code}"]`);
    if (!button) return false;
    if (!screen().dataset.call) toast(screen().dataset.sayDial, { key: "dial" });
    else if (waits(button) && chosen() !== button) choose(button);
    else button.click();
    return true;
  };

  doc.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || doc.querySelector("dialog[open]") || !screen()) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      if (chosen() && !event.repeat) { event.preventDefault(); chosen().click(); }
      return;
    }
    if (event.key === "Enter" && event.target instanceof HTMLInputElement && event.target.form === form()) { event.preventDefault(); return; }
    if (event.key === "Escape") {
      if (isTyping(doc.activeElement)) doc.activeElement.blur(); else clear();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.key === "Enter" || (isTyping(event.target) && !event.altKey)) return;
    if (event.repeat) { event.preventDefault(); return; }
    if (press(event.code.replace("Numpad", "Digit"))) event.preventDefault();
  });

  let clock;
  const ready = () => {
    clearInterval(clock);
    const timer = screen()?.querySelector("[data-timer]");
    if (!timer) return;
    const begun = Date.parse(timer.dataset.timer);
    const tick = () => { const s = Math.max(0, Math.round((Date.now() - begun) / 1000)); timer.textContent = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`; };
    tick();
    clock = setInterval(tick, 1000);
  };
  doc.addEventListener("htmx:afterSettle", ready);
  ready();
})();
