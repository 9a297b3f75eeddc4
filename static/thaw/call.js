/* How does a rep work the call screen without a mouse? Keys by physical position, one outcome each; what is dangerous asks.
   State is read from the page each time, so that a swapped screen needs no set-up. */
(() => {
  "use strict";
  const doc = document;
  const { toast, isTyping, localise, kept } = window.thaw;
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
    done.querySelector("[data-what]").textContent = button.dataset.label;
    done.hidden = false;
    const set = button.dataset.asks ? form().querySelector(`[data-for="${button.dataset.asks}"]`) : null;
    if (set) set.hidden = false;
    const words = set?.querySelector("input[data-then]:checked")?.dataset.then ?? button.dataset.then;
    say("dangerous" in button.dataset ? [words && `${words}.`, screen().dataset.sayConfirm].filter(Boolean).join(" ") : words);
    if (!focus) return;
    (set?.querySelector("input") ?? ("dangerous" in button.dataset ? done : doc.getElementById("notes")))?.focus();
  };

  const keep = () => kept.draft({ outcome: chosen()?.value, label: chosen()?.dataset.label });

  // A click, not requestSubmit: htmx sends the value of the button that was clicked.
  const log = (button) => button.click();
  const needsMore = (button) => Boolean(button.dataset.asks) || "dangerous" in button.dataset;

  doc.addEventListener("click", (event) => {
    const at = event.target instanceof Element ? event.target : null;
    if (!at) return;
    const outcome = at.closest("#outcome-form .outcomes button[name=outcome]");
    if (outcome && needsMore(outcome) && chosen() !== outcome) { event.preventDefault(); choose(outcome); keep(); return; }
    if (at.closest('[data-act="more"]')) { event.preventDefault(); more(); return; }
    const shortcut = at.closest("[data-words]");
    if (shortcut) suggest(shortcut);
    const nearest = at.closest("[data-nearest]");
    if (nearest) { take(nearest); ask({ at: nearest.dataset.wall, exact: nearest.dataset.at }); finish().focus(); }
  });

  /* ── When to call back or to meet: words, a shortcut or the calendar; the server says whose clock, whether they may, and when
     instead ── */
  const moment = () => form()?.querySelector("[data-moment]:not([hidden])");
  const said = (name) => form().elements[`${moment().dataset.for}_${name}`];
  const take = ({ dataset }) => { said("at").value = dataset.wall; said("exact").value = dataset.at; keep(); };
  let asking;
  const ask = async (what) => {
    const set = moment();
    const box = set?.querySelector(".when");
    if (!box || !set.dataset.when) return;
    asking?.abort();
    asking = new AbortController();
    const { signal } = asking;
    const query = new URLSearchParams(Object.entries(what).map(([name, value]) => [`${set.dataset.for}_${name}`, value]));
    try {
      const answer = await fetch(`${set.dataset.when}?${query}`, { headers: { "HX-Request": "true" }, signal });
      if (!answer.ok || answer.redirected) return;
      const html = await answer.text();
      if (signal.aborted || !box.isConnected || moment() !== set) return;
      box.innerHTML = html;
      localise(box);
      const found = box.querySelector("[data-at]");
      if (found) take(found);
      const instead = box.querySelector("[data-nearest]");
      if (instead && doc.activeElement === finish()) instead.focus();
    } catch { if (!signal.aborted) box.textContent = ""; /* no connection: what the browser works out stands, and the server judges it */ }
  };
  const askWords = () => { if (moment()) ask({ words: said("words").value }); };
  const wall = (zone, at) => new Date(at.getTime() + offsetOf(zone, at)).toISOString().slice(0, 16);
  const suggest = (button) => {
    said("words").value = button.textContent.trim();
    said("said_at").value = new Date().toISOString();
    const zone = said("at").dataset.zone;
    const soon = button.dataset.minutes && zone ? new Date(Math.floor((Date.now() + Number(button.dataset.minutes) * 60000) / 60000) * 60000) : null;
    take(soon ? { dataset: { wall: wall(zone, soon), at: soon.toISOString() } } : button);
    ask({ words: button.dataset.words });
    finish().focus();
  };
  let pause;
  doc.addEventListener("input", (event) => {
    const set = event.target instanceof HTMLInputElement && event.target.closest("[data-moment]");
    if (!set || set !== moment() || ![said("words"), said("at")].includes(event.target)) return;
    const { value } = event.target;
    const inWords = event.target === said("words");
    said("exact").value = "";
    if (inWords) {
      said("at").value = "";
      said("said_at").value = new Date().toISOString();
    } else said("words").value = "";
    clearTimeout(pause);
    set.querySelector(".when").replaceChildren();
    if (value.trim()) pause = setTimeout(inWords ? askWords : () => { if (moment() === set) ask({ at: value }); }, 200);
  });
  /* Enter in these fields takes what is nearest where they may not be called then, and the first shortcut where nothing is said. */
  const tookInstead = (field) => {
    if (!moment() || ![said("words"), said("at")].includes(field)) return false;
    const instead = moment().querySelector("[data-nearest]") ?? (said("words").value.trim() || said("at").value ? null : moment().querySelector("[data-words]"));
    instead?.click();
    return Boolean(instead);
  };

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

  // An outcome pressed before the dial has been answered waits for it: sent beside it, either answer would cover the other.
  let dialling = false;
  let early = "";
  const dials = (event) => event.detail.requestConfig?.verb === "post" && event.detail.elt.closest?.("[data-dial]");
  const dialled = () => {
    const code = early;
    dialling = false;
    early = "";
    if (code && screen()?.dataset.call) press(code);
  };
  doc.addEventListener("htmx:beforeRequest", (event) => { if (dials(event)) dialling = true; });
  doc.addEventListener("htmx:afterRequest", (event) => { if (dials(event) && !event.detail.successful) { early = ""; dialled(); } });

  const press = (code) => {
    const click = (name) => { const node = act(name); node?.click(); return Boolean(node); };
    const action = JSON.parse(screen().dataset.keys)[code];
    if (action === "more") { more(); return true; }
    if (action === "number") { nextNumber(); return true; }
    if (action === "note") { doc.getElementById("notes")?.focus(); return true; }
    if (action) return click(action);
    const button = form()?.querySelector(`.outcomes button[data-code="${code}"]`);
    if (!button) return false;
    if (dialling) { early = code; return true; }
    if (!screen().dataset.call) { toast(screen().dataset.sayDial, { key: "dial" }); return true; }
    if (needsMore(button)) { choose(button); keep(); } else log(button);
    return true;
  };

  // Alt writes letters too, on some keyboards: what it writes there is meant to be written.
  const isLetter = (event) => event.getModifierState("AltGraph") || /^[@€#~|\\[\]{}ąćęłńóśźż]$/i.test(event.key);

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
      if (chosen() && !event.repeat && !tookInstead(event.target)) log(finish());
      return;
    }
    // The first one leaves the field (app.js), the next one the outcome.
    if (event.key === "Escape") { if (!isTyping(event.target) && chosen()) { clear(); kept.draft({ cancel: true }); doc.activeElement?.blur(); } return; }
    if (event.ctrlKey || event.metaKey) return;
    if (isTyping(event.target) && (!event.altKey || isLetter(event))) return;
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

  /* ── Their clock ── */
  const offsetOf = (zone, at) => {
    const parts = Object.fromEntries(new Intl.DateTimeFormat("en-US", { timeZone: zone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric" }).formatToParts(at).map((part) => [part.type, Number(part.value)]));
    return Date.UTC(parts.year, parts.month - 1, parts.day, parts.hour, parts.minute, parts.second) - Math.trunc(at / 1000) * 1000;
  };

  /* ── What is said outlives a lost connection (kept.js) ── */
  for (const kind of ["input", "change"]) {
    doc.addEventListener(kind, (event) => { if (event.target instanceof Element && event.target.form?.id === "outcome-form") keep(); });
  }
  doc.addEventListener("waiting", (event) => {
    const button = event.detail.call === screen()?.dataset.call && form()?.querySelector(`.outcomes button[value="${CSS.escape(event.detail.outcome)}"]`);
    if (button && chosen() !== button) choose(button, { focus: false });
  });

  /* ── After every swap ── */
  let clock;
  let lead;
  const ready = () => {
    const root = screen();
    if (!root) return;
    // The place in a field is kept within a call; the next lead's keys must not write into a note.
    if (lead !== undefined && lead !== root.dataset.lead && isTyping(doc.activeElement)) doc.getElementById("main").focus({ preventScroll: true });
    lead = root.dataset.lead;
    // Whoever is in front need not be told of any more.
    for (const told of doc.querySelectorAll(`.toast[data-lead="${CSS.escape(lead)}"]`)) told.remove();
    clear();
    const before = kept.restore();
    const outcome = root.dataset.selected || before;
    const wanted = outcome && form()?.querySelector(`.outcomes button[value="${CSS.escape(outcome)}"]:not(:disabled)`);
    if (wanted) choose(wanted, { focus: Boolean(root.dataset.selected) });
    if (wanted && moment()) {
      // What was chosen stays that moment, however long ago "in 20 minutes" was said.
      if (said("at").value) ask({ at: said("at").value, exact: said("exact").value });
      else if (said("words").value) askWords();
    }
    const aloud = doc.getElementById("said");
    if (aloud && aloud.textContent !== root.dataset.said) aloud.textContent = root.dataset.said;
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

  doc.addEventListener("htmx:afterSettle", (event) => { if (event.detail.elt.id === "screen" || event.detail.target?.id === "screen") { ready(); dialled(); } });
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
