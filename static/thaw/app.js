/* What does every page do beyond its HTML? Dialogs, keys, toasts, questions, times, copying, and plain words when a request fails.
   Everything here is an addition: each page works by links and forms when this file does not load. */
(() => {
  "use strict";
  const doc = document;
  doc.documentElement.classList.add("js");

  const text = (name) => doc.getElementById("texts")?.dataset[name] ?? "";
  const isTyping = (node) => node instanceof Element && (node.matches("input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select") || node.isContentEditable);

  /* ── Toasts ── */
  const ICON_PATHS = {
    ok: "M10 18a8 8 0 1 0 0-16 8 8 0 0 0 0 16Zm3.9-9.8-4.5 5a1 1 0 0 1-1.5 0l-2-2.2 1.5-1.3 1.25 1.4 3.75-4.2Z",
    other: "M10 18a8 8 0 1 0 0-16 8 8 0 0 0 0 16ZM9 6h2v5H9V6Zm0 6.5h2v2H9v-2Z",
  };

  const icon = (tone) => {
    const svg = doc.createElementNS("http://www.w3.org/2000/svg", "svg");
    for (const [name, value] of Object.entries({ class: "icon", viewBox: "0 0 20 20", width: 20, height: 20, fill: "currentColor", "aria-hidden": "true" })) svg.setAttribute(name, value);
    const path = doc.createElementNS("http://www.w3.org/2000/svg", "path");
    path.setAttribute("d", tone === "ok" ? ICON_PATHS.ok : ICON_PATHS.other);
    path.setAttribute("fill-rule", "evenodd");
    svg.append(path);
    return svg;
  };

  const letGo = (toast) => {
    // Good news leaves by itself, unless someone is reading it; what went wrong stays until dismissed.
    if (toast.classList.contains("stop") || toast.classList.contains("warn") || toast.hasAttribute("data-stay")) return;
    let timer;
    const start = () => { timer = setTimeout(() => toast.remove(), 9000); };
    const stop = () => clearTimeout(timer);
    toast.addEventListener("pointerenter", stop);
    toast.addEventListener("focusin", stop);
    toast.addEventListener("pointerleave", start);
    toast.addEventListener("focusout", start);
    start();
  };

  /* toast("Saved.", {tone: "ok" | "warn" | "stop", key, stay, action: {label, run}}): one toast per key at a time. */
  const toast = (message, { tone = "", key = "", stay = false, action = null } = {}) => {
    const region = doc.getElementById("toasts");
    if (!region || !message) return null;
    if (key) region.querySelector(`[data-key="${CSS.escape(key)}"]`)?.remove();
    const node = doc.createElement("div");
    node.className = `toast fade-in ${tone}`;
    node.setAttribute("role", tone === "stop" ? "alert" : "status");
    if (key) node.dataset.key = key;
    if (stay) node.dataset.stay = "";
    const body = doc.createElement("div");
    const words = doc.createElement("p");
    words.textContent = message;
    body.append(words);
    if (action) {
      const row = doc.createElement("div");
      row.className = "row";
      const button = doc.createElement("button");
      button.type = "button";
      button.className = "btn s";
      button.textContent = action.label;
      button.addEventListener("click", () => { node.remove(); action.run(); });
      row.append(button);
      body.append(row);
    }
    const close = doc.createElement("button");
    close.type = "button";
    close.className = "toast-close";
    close.setAttribute("aria-label", text("dismiss"));
    close.dataset.toastClose = "";
    close.textContent = "×";
    node.append(icon(tone), body, close);
    region.append(node);
    letGo(node);
    return node;
  };
  doc.querySelectorAll("[data-toast]").forEach(letGo);
  // A view can speak through the header  HX-Trigger: {"toast": {"text": "…", "tone": "ok"}}.
  doc.addEventListener("toast", (event) => toast(event.detail?.text ?? event.detail?.value, event.detail ?? {}));

  /* ── Dialogs ── */
  const openDialog = (dialog) => {
    if (!(dialog instanceof HTMLDialogElement) || dialog.open) return;
    dialog.showModal();
    const field = dialog.querySelector("input[type=search], [autofocus]");
    field?.focus();
    if (field instanceof HTMLInputElement) field.select();
  };

  /* ask("Stop the pursuit?") resolves to true or false. */
  const ask = (question, { danger = false } = {}) => new Promise((resolve) => {
    const dialog = doc.getElementById("confirm");
    if (!(dialog instanceof HTMLDialogElement)) { resolve(window.confirm(question)); return; }
    doc.getElementById("confirm-question").textContent = question || text("confirm");
    dialog.querySelector("[data-confirm-yes]").classList.toggle("danger", danger);
    dialog.returnValue = "";
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true });
    dialog.showModal();
  });

  const confirmed = new WeakSet();
  const questionFor = (form, submitter) => submitter?.dataset.confirm ?? form.dataset.confirm;
  doc.addEventListener("submit", (event) => {
    const form = event.target;
    const question = questionFor(form, event.submitter);
    if (question === undefined || confirmed.delete(form)) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const submitter = event.submitter;
    const danger = Boolean(submitter?.classList.contains("danger"));
    ask(question, { danger }).then((yes) => {
      if (!yes) return;
      confirmed.add(form);
      form.requestSubmit(submitter?.form === form ? submitter : undefined);
    });
  }, true);
  doc.addEventListener("htmx:confirm", (event) => {
    if (!event.detail.question) return;
    event.preventDefault();
    const danger = event.detail.elt.classList.contains("danger");
    ask(event.detail.question, { danger }).then((yes) => { if (yes) event.detail.issueRequest(true); });
  });

  /* ── Clicks: open, close, copy, dismiss ── */
  const copy = async (button) => {
    const source = button.dataset.copyFrom && doc.querySelector(button.dataset.copyFrom);
    const value = source ? source.value ?? source.textContent.trim() : button.dataset.copy;
    try {
      await navigator.clipboard.writeText(value);
      toast(text("copied"), { tone: "ok", key: "copy" });
    } catch {
      toast(text("copyFailed"), { tone: "warn", key: "copy" });
    }
  };

  doc.addEventListener("click", (event) => {
    const at = event.target instanceof Element ? event.target : null;
    if (!at) return;
    const opener = at.closest("[data-dialog-open]");
    const dialog = opener && doc.getElementById(opener.dataset.dialogOpen);
    if (dialog && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      openDialog(dialog);
      return;
    }
    if (at.closest("[data-dialog-close]")) at.closest("dialog")?.close();
    else if (at instanceof HTMLDialogElement && at.open && event.detail > 0) {
      const box = at.getBoundingClientRect();
      const outside = event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
      if (outside) at.close();
    }
    if (at.closest("[data-toast-close]")) at.closest(".toast")?.remove();
    const copier = at.closest("[data-copy], [data-copy-from]");
    if (copier) copy(copier);
    for (const menu of doc.querySelectorAll(".menu[open], .define[open]")) if (!menu.contains(at)) menu.open = false;
  });

  /* ── Keys ── */
  const stepThrough = (event, dialog) => {
    const stops = [dialog.querySelector("input[type=search]"), ...dialog.querySelectorAll(".lookup-results :is(a, button)")].filter(Boolean);
    const here = stops.indexOf(doc.activeElement);
    if (here < 0) return;
    const next = stops[here + (event.key === "ArrowDown" ? 1 : -1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  };

  doc.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const dialog = doc.querySelector("dialog[open]");
    if (dialog) {
      // A search field would keep the first Escape for itself, and the next key would be typed into it.
      if (event.key === "Escape" && event.target instanceof HTMLInputElement && event.target.type === "search") { event.preventDefault(); event.target.blur(); dialog.close(); return; }
      if (dialog.id === "lookup" && (event.key === "ArrowDown" || event.key === "ArrowUp")) stepThrough(event, dialog);
      return;
    }
    if (event.key === "Escape") {
      const menu = doc.querySelector(".menu[open], .define[open]");
      if (menu) { menu.open = false; menu.querySelector("summary")?.focus(); }
      else if (isTyping(doc.activeElement)) doc.activeElement.blur();
      return;
    }
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
    const wanted = { "/": "lookup", "?": "help" }[event.key];
    const target = wanted && doc.getElementById(wanted);
    if (!target) return;
    event.preventDefault();
    openDialog(target);
  });

  /* ── Times in the reader's own zone ── */
  // English as the server writes it: the day first, 24 hours.
  const language = { en: "en-GB" }[doc.documentElement.lang] ?? (doc.documentElement.lang || undefined);
  const SHAPES = {
    datetime: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
    date: { day: "numeric", month: "long" },
    time: { hour: "2-digit", minute: "2-digit" },
    weekday: { weekday: "short", day: "numeric", month: "short" },
    moment: { weekday: "short", day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
  };
  const UNITS = [["year", 31557600, 1], ["month", 2629800, 2], ["week", 604800, 2], ["day", 86400, 1], ["hour", 3600, 1], ["minute", 60, 1]];
  const relative = (moment) => {
    const seconds = (moment - Date.now()) / 1000;
    const [unit, size] = UNITS.find(([, size, least]) => Math.abs(seconds) >= size * least) ?? ["minute", 60];
    // Days are counted as a calendar counts them: "tomorrow" is the next date, however many hours away.
    const midnight = (at) => new Date(at.getFullYear(), at.getMonth(), at.getDate());
    const count = unit === "day" ? Math.round((midnight(moment) - midnight(new Date())) / 86400000) : Math.trunc(seconds / size);
    return new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" }).format(count, unit);
  };
  const localise = (root) => {
    for (const node of root.querySelectorAll("time[data-local]")) {
      const moment = new Date(node.dateTime);
      if (Number.isNaN(moment.getTime())) continue;
      const shape = { ...(SHAPES[node.dataset.local] ?? SHAPES.datetime) };
      if ("day" in shape && moment.getFullYear() !== new Date().getFullYear()) shape.year = "numeric";
      const words = node.dataset.local === "relative" ? relative(moment) : new Intl.DateTimeFormat(language, shape).format(moment);
      if (node.textContent !== words) node.textContent = words;
      node.title = new Intl.DateTimeFormat(language, { dateStyle: "full", timeStyle: "short" }).format(moment);
    }
  };
  localise(doc);
  setInterval(() => localise(doc), 60000);

  /* ── htmx: nothing fails in silence, nobody loses their place ── */
  const reload = () => ({ label: text("reload"), run: () => window.location.reload() });
  const fromAnswer = (xhr) => {
    // A view may answer an error with a sentence of its own: plain text, or the API's problem document.
    const type = xhr.getResponseHeader("Content-Type") ?? "";
    if (type.startsWith("text/plain")) return xhr.responseText.trim().slice(0, 300);
    if (!type.includes("json")) return "";
    try {
      const problem = JSON.parse(xhr.responseText);
      return problem.detail ?? problem.title ?? "";
    } catch {
      return "";
    }
  };
  const explain = (xhr) => {
    const own = fromAnswer(xhr);
    const general = xhr.status >= 500 ? text("e5xx") : text(`e${xhr.status}`) || text("e400");
    toast(own || general, { tone: "stop", key: "request", action: own ? null : reload() });
  };
  doc.addEventListener("htmx:responseError", (event) => { if (!event.defaultPrevented) explain(event.detail.xhr); });
  // A page that keeps what could not be sent says so itself (kept.js).
  const unlessKept = (name) => (event) => { if (!event.defaultPrevented) toast(text(name), { tone: "stop", key: "request", action: reload() }); };
  doc.addEventListener("htmx:sendError", unlessKept("offline"));
  doc.addEventListener("htmx:timeout", unlessKept("timeout"));
  for (const name of ["htmx:swapError", "htmx:targetError", "htmx:onLoadError"]) {
    doc.addEventListener(name, () => toast(text("swap"), { tone: "stop", key: "request", action: reload() }));
  }
  doc.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    const login = doc.body.dataset.loginUrl;
    const landed = xhr.responseURL ? new URL(xhr.responseURL).pathname : "";
    if (login && landed === login && window.location.pathname !== login) {
      // The session has ended and the answer is the sign-in page: go there whole, and come back here.
      event.detail.shouldSwap = false;
      const back = window.location.pathname + window.location.search;
      window.location.assign(`${login}?next=${encodeURIComponent(back)}`);
      return;
    }
    // A refusal that names its own place (HX-Retarget or HX-Reswap) is meant to be seen there.
    if (xhr.status >= 400 && (xhr.getResponseHeader("HX-Retarget") || xhr.getResponseHeader("HX-Reswap"))) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });
  // What must be heard of at once is asked for by the page that somebody looks at: a page behind would keep it to itself.
  doc.addEventListener("htmx:beforeRequest", (event) => { if (doc.hidden && event.detail.elt.id === "alerts") event.preventDefault(); });
  let focusBefore = null;
  doc.addEventListener("htmx:beforeRequest", (event) => event.detail.target?.setAttribute("aria-busy", "true"));
  doc.addEventListener("htmx:afterRequest", (event) => event.detail.target?.removeAttribute("aria-busy"));
  doc.addEventListener("htmx:beforeSwap", (event) => {
    const active = doc.activeElement;
    focusBefore = active && event.detail.target?.contains(active) ? { id: active.id, name: active.getAttribute("name") } : null;
  });
  doc.addEventListener("htmx:afterSettle", (event) => {
    const root = event.detail.elt;
    if (!(root instanceof Element)) return;
    localise(root.parentElement ?? root);
    const wanted = root.matches("[data-autofocus]") ? root : root.querySelector("[data-autofocus]");
    if (wanted) { wanted.focus(); focusBefore = null; return; }
    if (!focusBefore || (doc.activeElement && doc.activeElement !== doc.body)) return;
    const same = (focusBefore.id && doc.getElementById(focusBefore.id)) || (focusBefore.name && root.querySelector(`[name="${CSS.escape(focusBefore.name)}"]`));
    const fallback = root.matches("a, button, input, select, textarea, [tabindex]") ? root : doc.getElementById("main");
    (same || fallback)?.focus({ preventScroll: true });
    focusBefore = null;
  });

  window.thaw = { toast, ask, text, openDialog, localise, isTyping };
})();
