/* How does a rep work the call screen without a mouse? Keys by physical position, one outcome each; what is dangerous asks.
   State is read from the page each time, so that a swapped screen needs no set-up. */
(() => {
  "use strict";
  const doc = document;
  const { toast, isTyping } = window.thaw;
  const screen = () => doc.getElementById("screen");
  const form = () => doc.getElementById("outcome-form");
  const act = (name) => doc.querySelector(`#screen [data-act="${name}"]:not(:disabled)`);
  const finish = () => form()?.querySelector("[data-finish]");
  const chosen = () => form()?.querySelector('.outcomes [aria-pressed="true"]');

  /* ── Choosing an outcome ── */
  const say = (words) => {
    const then = doc.getElementById("then");
    if (then) then.textContent = words || then.dataset.rest;
  };

  const clear = () => {
    const bar = form();
    if (!bar) return;
    for (const button of bar.querySelectorAll(".outcomes .btn[aria-pressed]")) button.removeAttribute("aria-pressed");
    for (const set of bar.querySelectorAll("[data-for]")) set.hidden = true;
    const done = finish();
    if (done) { done.hidden = true; done.value = ""; }
    say("");
  };

  const choose = (button, { focus = true } = {}) => {
    clear();
    button.setAttribute("aria-pressed", "true");
    const done = finish();
    done.value = button.value;
    done.hidden = false;
    const set = button.dataset.asks ? form().querySelector(`[data-for="${button.dataset.asks}"]`) : null;
    if (set) set.hidden = false;
    const words = set?.querySelector("input[data-then]:checked")?.dataset.then ?? button.dataset.then;
    say("dangerous" in button.dataset ? [screen().dataset.sayConfirm, words].filter(Boolean).join(" ") : words);
    if (!focus) return;
    (set?.querySelector("[data-fill]") ?? set?.querySelector("input") ?? ("dangerous" in button.dataset ? done : doc.getElementById("notes")))?.focus();
  };

  // A click, not requestSubmit: htmx sends the value of the button that was clicked.
  const log = (button) => button.click();
  const needsMore = (button) => Boolean(button.dataset.asks) || "dangerous" in button.dataset;

  doc.addEventListener("click", (event) => {
    const at = event.target instanceof Element ? event.target : null;
    if (!at) return;
    const outcome = at.closest("#outcome-form .outcomes button[name=outcome]");
    if (outcome && needsMore(outcome) && chosen() !== outcome) { event.preventDefault(); choose(outcome); return; }
    if (at.closest('[data-act="more"]')) { event.preventDefault(); more(); return; }
    const fill = at.closest("[data-fill]");
    if (fill) {
      const field = form().elements[fill.dataset.fill];
      field.value = fill.dataset.value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      finish().focus();
    }
  });

  const more = () => {
    const box = form()?.querySelector(".outcomes");
    const button = act("more");
    if (!box || !button) return;
    button.setAttribute("aria-expanded", String(box.classList.toggle("all")));
  };

  /* ── Keys ── */
  const nextNumber = () => {
    const numbers = [...doc.querySelectorAll("#screen [data-number]")];
    if (numbers.length < 2) return;
    const here = numbers.findIndex((one) => one.dataset.act === "dial");
    const next = numbers[(here + 1) % numbers.length];
    for (const one of numbers) {
      const is = one === next;
      one.classList.toggle("primary", is);
      if (is) one.dataset.act = "dial"; else delete one.dataset.act;
      one.querySelector(".keycap").hidden = !is;
    }
    next.focus();
  };

  const press = (code) => {
    const click = (name) => { const node = act(name); node?.click(); return Boolean(node); };
    const action = JSON.parse(screen().dataset.keys)[code];
    if (action === "more") { more(); return true; }
    if (action === "number") { nextNumber(); return true; }
    if (action === "note") { doc.getElementById("notes")?.focus(); return true; }
    if (action) return click(action);
    const button = form()?.querySelector(`.outcomes button[data-code="${code}"]`);
    if (!button) return false;
    if (!screen().dataset.call) { toast(screen().dataset.sayDial, { key: "dial" }); return true; }
    if (needsMore(button)) choose(button); else log(button);
    return true;
  };

  doc.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || doc.querySelector("dialog[open]") || !screen()) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const button = chosen() ?? doc.activeElement?.closest?.(".outcomes button[name=outcome]");
      if (button && !event.repeat) { event.preventDefault(); finish().value = button.value; log(finish()); }
      return;
    }
    // Enter in a field of the outcome finishes that outcome: left to the browser it would press the first button, "no answer".
    if (event.key === "Enter" && event.target instanceof HTMLInputElement && form()?.contains(event.target)) {
      event.preventDefault();
      if (chosen() && !event.repeat) log(finish());
      return;
    }
    if (event.key === "Escape") { if (!isTyping(doc.activeElement) && chosen()) { clear(); doc.activeElement?.blur(); } return; }
    if (event.ctrlKey || event.metaKey) return;
    if (isTyping(event.target) && !event.altKey) return;
    if (event.key === "Enter") {
      if (chosen() && doc.activeElement === doc.body && !event.repeat) { event.preventDefault(); log(finish()); }
      return;
    }
    // A held key says nothing new, and must not log the next lead as well.
    if (event.repeat) { event.preventDefault(); return; }
    if (press(event.code.replace("Numpad", "Digit"))) event.preventDefault();
  });

  /* ── What comes next, for the outcome in focus ── */
  for (const kind of ["focusin", "pointerover"]) {
    doc.addEventListener(kind, (event) => {
      const button = event.target instanceof Element && event.target.closest(".outcomes button[data-then]");
      if (button && !chosen()) say(button.dataset.then);
    });
  }
  doc.addEventListener("pointerout", (event) => {
    if (event.target instanceof Element && event.target.closest(".outcomes button[data-then]") && !chosen()) say("");
  });

  doc.addEventListener("change", (event) => {
    if (event.target instanceof HTMLInputElement && event.target.dataset.then && chosen()) say(event.target.dataset.then);
  });

  /* ── Their clock and mine ── */
  const offsetOf = (zone, moment) => {
    const parts = Object.fromEntries(new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" }).formatToParts(moment).map((part) => [part.type, Number(part.value)]));
    return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) - Math.trunc(moment / 1000) * 1000;
  };
  doc.addEventListener("input", (event) => {
    const field = event.target;
    if (!(field instanceof HTMLInputElement) || field.type !== "datetime-local") return;
    const mine = doc.querySelector(`[data-mine="${field.name}"]`);
    if (!mine) return;
    if (!field.value || !field.dataset.zone) { mine.textContent = ""; return; }
    const wall = Date.parse(`${field.value}:00Z`);
    const moment = wall - offsetOf(field.dataset.zone, wall - offsetOf(field.dataset.zone, wall));
    mine.textContent = `= ${new Intl.DateTimeFormat(doc.documentElement.lang, { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit", timeZoneName: "short" }).format(moment)}`;
  });

  /* ── Notes outlive a lost connection ── */
  const keep = (node) => { try { node.value ? localStorage.setItem(node.dataset.keep, node.value) : localStorage.removeItem(node.dataset.keep); } catch { /* a browser that keeps nothing still works */ } };
  doc.addEventListener("input", (event) => { if (event.target instanceof Element && event.target.matches("[data-keep]")) keep(event.target); });
  doc.addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.successful && event.detail.elt.id === "outcome-form") try { localStorage.removeItem(event.detail.elt.querySelector("[data-keep]").dataset.keep); } catch { /* as above */ }
  });
  doc.addEventListener("htmx:sendError", () => { if (doc.getElementById("notes")?.value) toast(screen().dataset.sayKept, { tone: "warn", key: "kept" }); });

  /* ── After every swap ── */
  let clock;
  const ready = () => {
    const root = screen();
    if (!root) return;
    clear();
    const note = root.querySelector("[data-keep]");
    if (note && !note.value) try { note.value = localStorage.getItem(note.dataset.keep) ?? ""; } catch { /* as above */ }
    const wanted = root.dataset.selected && form()?.querySelector(`.outcomes button[value="${CSS.escape(root.dataset.selected)}"]`);
    if (wanted) choose(wanted);
    clearInterval(clock);
    const timer = root.querySelector("[data-timer]");
    if (timer) {
      const begun = Date.parse(timer.dataset.timer);
      const tick = () => { const s = Math.max(0, Math.round((Date.now() - begun) / 1000)); timer.textContent = `${Math.floor(s / 60)}:${String(s % 60).padStart(2, "0")}`; };
      tick();
      clock = setInterval(tick, 1000);
    }
    const undo = root.querySelector("[data-undo-for]");
    if (undo) setTimeout(() => undo.remove(), Number(undo.dataset.undoFor) * 1000);
    labelKeys(root);
  };

  /* Keys go by position; where the browser knows the layout, show what is printed on the key. */
  let layout;
  const labelKeys = (root) => {
    if (!layout) return;
    for (const node of root.querySelectorAll(".kbd[data-code^=Key]")) node.textContent = (layout.get(node.dataset.code) ?? node.textContent).toUpperCase();
  };
  navigator.keyboard?.getLayoutMap?.().then((map) => { layout = map; labelKeys(doc); }, () => {});

  doc.addEventListener("htmx:afterSettle", (event) => { if (event.detail.elt.id === "screen" || event.detail.target?.id === "screen") ready(); });
  // A person pressed the key: the link of that one number is followed, by their own phone. A frame of its own follows it,
  // because a page that leaves for another program takes no keys until that program has answered.
  doc.addEventListener("dialled", (event) => {
    if (!event.detail?.url) return;
    if (/^https?:/i.test(event.detail.url)) {
      // A softphone or phone system: its answer is not ours to read, only whether anybody took the number.
      fetch(event.detail.url, { method: "POST", mode: "no-cors", credentials: "include" }).catch(() => toast(screen().dataset.sayPhone, { tone: "warn", stay: true }));
      return;
    }
    const frame = doc.createElement("iframe");
    frame.hidden = true;
    frame.src = event.detail.url;
    doc.body.append(frame);
    setTimeout(() => frame.remove(), 100);
  });
  ready();
})();
