/* What did somebody say of a call that has not reached the server? Kept in this browser under user and call, until it was
   taken: what is typed, then what is to be sent, then what was refused. A repeated send is logged once, so that whoever is
   in doubt sends again. Nothing outlives a sign-out or a week. */
(() => {
  "use strict";
  const doc = document;
  const { text, toast } = window.thaw;
  const { user, loginUrl, logoutUrl } = doc.body.dataset;
  const ROOT = "thaw:kept:";
  const MINE = `${ROOT}${user}:`;
  const MOVED = `thaw:moved:${user}`;
  const LEAVING = "thaw:leaving";
  const WEEK = 7 * 24 * 3600 * 1000;
  const WAITS = [2000, 4000, 8000, 15000];
  const OUTCOME = /\/call\/(\d+)\/outcome\/$/;

  /* ── The store; a browser that keeps nothing still works ── */
  const read = (key) => { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } };
  const write = (key, value) => { try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* full, or not allowed */ } };
  const drop = (key) => { try { localStorage.removeItem(key); } catch { /* as above */ } };
  const keys = (start) => { try { return Object.keys(localStorage).filter((key) => key.startsWith(start)); } catch { return []; } };
  const keyOf = (call, lead) => (call ? `${MINE}c${call}` : `${MINE}l${lead}`);
  const entries = () => keys(`${MINE}c`).map(read).filter(Boolean);
  const put = (entry) => { write(keyOf(entry.call, entry.lead), { ...entry, at: Date.now() }); tellLeaving(); };
  const forget = (call, lead) => { drop(keyOf(call, lead)); tellLeaving(); };

  /* ── Signing out: what is kept of this user goes with them ── */
  const leaving = read(LEAVING);
  if (leaving && !user) for (const key of keys(`${ROOT}${leaving}:`)) drop(key);
  drop(LEAVING);
  for (const key of keys(ROOT)) if (Date.now() - (read(key)?.at ?? 0) > WEEK) drop(key);
  if (!user) return;

  const signOuts = () => [...doc.querySelectorAll("form")].filter((form) => logoutUrl && form.getAttribute("action") === logoutUrl);
  function tellLeaving() {
    const waits = entries().some((entry) => entry.state === "waiting");
    for (const form of signOuts()) { if (waits) form.dataset.confirm = text("keptLeave"); else delete form.dataset.confirm; }
  }
  doc.addEventListener("submit", (event) => { if (!event.defaultPrevented && signOuts().includes(event.target)) write(LEAVING, user); });

  /* ── The line that says how things stand ── */
  const screen = () => doc.getElementById("screen");
  const form = () => doc.getElementById("outcome-form");
  let offline = !navigator.onLine;
  let stale = false; // an act other than an outcome was lost: what is shown may not be so
  let failing = false; // the server answers, and takes nothing
  let said = "";
  let fades;
  const show = (words, tone = "", { fade = false } = {}) => {
    const line = doc.querySelector("[data-kept-state]");
    if (line) { line.textContent = words; line.dataset.tone = tone; }
    if (words === said) return;
    said = words;
    clearTimeout(fades);
    const aloud = doc.getElementById("said");
    if (aloud && words) aloud.textContent = words;
    if (fade && !line) toast(words, { tone: "ok", key: "kept" });
    if (fade) fades = setTimeout(() => { said = ""; tell(); }, 8000);
  };
  let latest = null; // what was sent last, after a wait
  const tell = () => {
    const waits = entries().some((entry) => entry.state === "waiting" && entry.failed);
    if (waits) show(text(failing && !offline ? "keptFailed" : "keptWaiting"), "warn");
    else if (offline && screen()) show(text("keptTyping"), "warn");
    else if (latest && Date.now() - latest.at < 8000) show(`${text("keptSent")} ${latest.what}`, "ok", { fade: true });
    else show("");
  };

  /* ── What is typed ── */
  const fieldsOf = (from) => [...from].filter(([name, value]) => name !== "csrfmiddlewaretoken" && name !== "outcome" && typeof value === "string");
  const isTouched = (bar) => [...bar.elements].some((field) => {
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    return "defaultValue" in field && field.type !== "hidden" && field.type !== "submit" && field.type !== "button" && field.value !== field.defaultValue;
  });
  const here = () => ({ call: screen()?.dataset.call ?? "", lead: screen()?.dataset.lead ?? "" });

  /* draft({outcome, label}): keep what stands in the form, with the outcome that is chosen and not finished; `cancel` calls
     back one that waits to be sent. */
  const draft = ({ outcome = "", label = "", cancel = false } = {}) => {
    const bar = form();
    const { call, lead } = here();
    if (!bar || !lead) return;
    const before = read(keyOf(call, lead));
    if (!outcome && !isTouched(bar) && (cancel || before?.state !== "waiting")) { forget(call, lead); tell(); return; }
    // Another outcome than the one on its way: nothing is sent before it is finished.
    const waits = before?.state === "waiting" && !cancel && (!outcome || outcome === before.outcome);
    put({ ...before, call, lead, name: bar.dataset.name, path: bar.getAttribute("action"), fields: fieldsOf(new FormData(bar)),
      outcome: waits ? before.outcome : outcome, label: waits ? before.label : label, state: waits ? "waiting" : "typing" });
    tell();
  };

  const fill = (bar, fields) => {
    const given = new Map(fields);
    for (const field of bar.elements) {
      if (!field.name || field.name === "csrfmiddlewaretoken" || field.name === "outcome") continue;
      if (field.type === "checkbox") field.checked = given.has(field.name);
      else if (field.type === "radio") field.checked = given.get(field.name) === field.value;
      else if (given.has(field.name) && !field.name.startsWith("question_")) field.value = given.get(field.name);
    }
  };

  /* restore(): put back what was typed for the call in hand; returns the outcome that was chosen. */
  const restore = () => {
    const bar = form();
    const { call, lead } = here();
    if (call && !read(keyOf(call)) && read(keyOf("", lead))) {
      const noted = read(keyOf("", lead));
      put({ ...noted, call, path: bar?.getAttribute("action"), state: "typing" });
    }
    if (call) drop(keyOf("", lead));
    const entry = bar && lead ? read(keyOf(call, lead)) : null;
    if (entry?.fields) fill(bar, entry.fields);
    // A rep has one open call, and it is before them: any other that was written of has been closed meanwhile.
    for (const other of entries()) if (screen() && other.call !== call && other.state === "typing") put({ ...other, state: "refused", why: `${text("keptClosed")} ${other.name}.` });
    showRefused();
    tell();
    return entry?.state === "refused" ? "" : (entry?.outcome ?? "");
  };

  /* ── What was refused: the text stays until somebody says what becomes of it ── */
  const showRefused = () => {
    const box = doc.getElementById("unsent");
    const one = doc.getElementById("unsent-one");
    if (!box || !one) return;
    const refused = entries().filter((entry) => entry.state === "refused");
    for (const node of [...box.children]) if (!refused.some((entry) => entry.call === node.dataset.call)) node.remove();
    for (const entry of refused) {
      if (box.querySelector(`[data-call="${CSS.escape(entry.call)}"]`)) continue;
      const node = one.content.firstElementChild.cloneNode(true);
      const notes = new Map(entry.fields).get("notes") ?? "";
      const kept = [entry.label, notes].filter(Boolean).join(": ");
      node.dataset.call = entry.call;
      node.querySelector("[data-why]").textContent = entry.why;
      node.querySelector("[data-text]").textContent = kept;
      node.querySelector("[data-copy]").dataset.copy = kept;
      node.querySelector("[data-amend]").href = entry.path.replace(/outcome\/$/, "amend/");
      node.querySelector("[data-add-note]").hidden = !notes;
      box.append(node);
    }
  };
  const refuse = (entry, why) => { put({ ...entry, state: "refused", why }); showRefused(); tell(); };

  const token = () => { try { return JSON.parse(doc.body.getAttribute("hx-headers"))["X-CSRFToken"]; } catch { return ""; } };
  const post = (path, fields) => fetch(path, { method: "POST", headers: { "X-CSRFToken": token(), "HX-Request": "true" }, body: new URLSearchParams(fields) });
  doc.addEventListener("click", async (event) => {
    const node = event.target instanceof Element ? event.target.closest("#unsent [data-call]") : null;
    if (!node) return;
    const { call } = node.dataset;
    if (event.target.closest("[data-discard]")) { forget(call); node.remove(); tell(); }
    if (!event.target.closest("[data-add-note]")) return;
    const entry = read(keyOf(call));
    try {
      const answer = await post(entry.path.replace(/outcome\/$/, "note/"), [["notes", new Map(entry.fields).get("notes") ?? ""]]);
      if (answer.status === 204) { forget(call); node.remove(); toast(text("keptAdded"), { tone: "ok" }); return; }
      toast(answer.status === 422 ? await answer.text() : text(`e${answer.status}`) || text("e5xx"), { tone: "stop" });
    } catch { toast(text("keptNothing"), { tone: "warn", key: "kept" }); }
  });

  /* ── What is sent ── */
  const isLost = (status) => status === 0 || status === 429 || status >= 500;
  let tries = 0;
  let timer;
  const later = () => {
    clearTimeout(timer);
    timer = setTimeout(flush, WAITS[Math.min(tries++, WAITS.length - 1)]);
  };
  /* What became of one send: `landed` is the path that answered, the sign-in page's where the session has ended. */
  const settle = (call, status, landed, unsent) => {
    const entry = read(keyOf(call));
    if (!entry || landed === loginUrl) return;
    // Called back while it was on its way: nothing is sent again before the other outcome is finished.
    if (isLost(status) && entry.state === "typing") { tell(); return; }
    if (isLost(status)) { failing = status !== 0; put({ ...entry, state: "waiting", failed: true }); later(); tell(); doc.dispatchEvent(new CustomEvent("waiting", { detail: { call, outcome: entry.outcome } })); return; }
    tries = 0;
    if (status === 200) {
      if (entry.failed) latest = { at: Date.now(), what: [entry.label, entry.name].filter(Boolean).join(", ") };
      forget(call);
      drop(keyOf("", entry.lead));
    } else if (unsent?.gone) { forget(call); toast(unsent.why, { tone: "stop" }); } else if (unsent) refuse(entry, unsent.why);
    else if (status === 422) put({ ...entry, state: "typing", failed: false });
    else if (status === 403) put({ ...entry, state: "waiting", failed: true }); // an old page: a reload sends it
    else refuse(entry, text(`e${status}`) || text("e400"));
    tell();
  };

  const sending = new Set();
  async function flush() {
    clearTimeout(timer);
    for (const entry of entries().filter((one) => one.state === "waiting" && !sending.has(one.call))) {
      const fields = [...entry.fields, ["outcome", entry.outcome]];
      if (screen()?.dataset.call === entry.call) {
        window.htmx.ajax("POST", entry.path, { source: "#screen", target: "#screen", swap: "outerHTML", values: Object.fromEntries(fields) }).catch(() => {});
        continue;
      }
      sending.add(entry.call);
      try {
        const answer = await post(entry.path, fields);
        reached();
        const said = JSON.parse(answer.headers.get("HX-Trigger") ?? "{}");
        settle(entry.call, answer.status, new URL(answer.url).pathname, said.unsent);
      } catch { settle(entry.call, 0, ""); }
      sending.delete(entry.call);
    }
  }

  const callOf = (config) => (config?.verb === "post" ? OUTCOME.exec(config.path)?.[1] : undefined);
  let slow;
  doc.addEventListener("htmx:beforeRequest", (event) => {
    const config = event.detail.requestConfig;
    const call = callOf(config);
    if (!call) return;
    const before = read(keyOf(call));
    const outcome = config.formData.get("outcome");
    const button = form()?.querySelector(`.outcomes button[value="${CSS.escape(outcome ?? "")}"]`);
    put({ name: form()?.dataset.name, lead: screen()?.dataset.lead, ...before, call, path: config.path, fields: fieldsOf(config.formData.entries()),
      outcome, label: button?.dataset.label ?? before?.label ?? "", state: "waiting", failed: before?.state === "waiting" && before.failed });
    sending.add(call);
    clearTimeout(slow);
    slow = setTimeout(() => { if (!offline) show(text("keptSending")); }, 1500);
  });

  let refusedNow = null;
  doc.addEventListener("unsent", (event) => { refusedNow = event.detail; });
  doc.addEventListener("htmx:afterRequest", (event) => {
    const { xhr, requestConfig, target } = event.detail;
    if (xhr.status) reached();
    const call = callOf(requestConfig);
    const landed = xhr.responseURL ? new URL(xhr.responseURL).pathname : "";
    if (call) {
      clearTimeout(slow);
      sending.delete(call);
      settle(call, xhr.status, landed, refusedNow);
      refusedNow = null;
    }
    // The other tabs of this user show what has just become the past.
    if (requestConfig?.verb === "post" && target?.id === "screen" && xhr.status === 200 && landed !== loginUrl) write(MOVED, Date.now());
  });

  const lost = (event) => {
    if (!screen()) return;
    event.preventDefault(); // app.js would say that Thaw cannot be reached, and offer a reload that loses the page
    const { requestConfig, target } = event.detail;
    offline = true;
    if (requestConfig?.verb === "post" && !callOf(requestConfig) && target?.id === "screen") {
      stale = true;
      toast(text("keptNothing"), { tone: "warn", key: "kept" });
    }
    tell();
    later();
  };
  doc.addEventListener("htmx:sendError", lost, true);
  doc.addEventListener("htmx:timeout", lost, true);
  doc.addEventListener("htmx:responseError", (event) => { if (callOf(event.detail.requestConfig) && event.detail.xhr.status !== 403) event.preventDefault(); }, true);

  /* ── The connection returns; another tab was faster; the page comes out of the browser's memory ── */
  // What is shown anew must not cover what a key has just done: the key's request stops the other, or is waited for.
  let acting = 0;
  const refresh = () => {
    if (!screen() || acting) return;
    window.htmx.ajax("GET", screen().dataset.url, { source: "#said", target: "#screen", swap: "outerHTML" }).catch(() => {});
  };
  const isAct = ({ requestConfig, target }) => requestConfig?.verb === "post" && target?.id === "screen";
  doc.addEventListener("htmx:beforeRequest", (event) => {
    if (!isAct(event.detail)) return;
    acting += 1;
    window.htmx.trigger("#said", "htmx:abort");
  });
  doc.addEventListener("htmx:afterRequest", (event) => { if (isAct(event.detail)) acting = Math.max(0, acting - 1); });
  function reached() {
    if (!offline) return;
    offline = false;
    failing = false;
    tries = 0;
    const { call } = here();
    const waits = entries().some((entry) => entry.state === "waiting" && entry.call === call);
    flush();
    if (stale && !waits) refresh();
    stale = false;
    tell();
  }
  window.addEventListener("online", () => { offline = true; reached(); });
  window.addEventListener("offline", () => { offline = true; tell(); });
  doc.addEventListener("visibilitychange", () => { if (!doc.hidden) flush(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) refresh(); });
  window.addEventListener("storage", (event) => {
    if (event.key === MOVED) { refresh(); return; }
    if (!event.key?.startsWith(MINE)) return;
    const { call, lead } = here();
    if (event.key === keyOf(call, lead) && event.newValue && form()) fill(form(), read(event.key)?.fields ?? []);
    showRefused();
    tell();
  });

  window.thaw.kept = { draft, restore, tell };
  tellLeaving();
  tell();
  setTimeout(flush); // after the page's own script has put back what was typed
})();
