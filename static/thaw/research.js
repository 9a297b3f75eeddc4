/* What is typed in the research panel is saved there: by Ctrl+Enter, and at the latest when the lead leaves the screen. */
(() => {
  "use strict";
  const doc = document;
  const panelOf = (node) => (node instanceof Element ? node.closest("#research-form") : null);

  // In the capture phase: what is saved here must not log a call as well.
  doc.addEventListener("keydown", (event) => {
    const panel = panelOf(event.target);
    if (!panel) return;
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      event.stopPropagation();
      if (!event.repeat) panel.querySelector("[data-save]").click();
    }
  }, true);

  let typed = null;
  doc.addEventListener("input", (event) => { typed = panelOf(event.target) ?? typed; });
  doc.addEventListener("htmx:beforeRequest", (event) => {
    const target = event.detail.target;
    if (target?.id === "research") { typed = null; return; }
    if (!typed?.isConnected || !target?.contains(typed)) return;
    const panel = typed;
    typed = null;
    fetch(panel.action, { method: "POST", body: new FormData(panel), headers: { "HX-Request": "true" }, keepalive: true, credentials: "same-origin" })
      .then((answer) => { if (!answer.ok) throw new Error(String(answer.status)); })
      .catch(() => window.thaw.toast(panel.dataset.unsaved, { tone: "warn", stay: true }));
  });

  // The form begins in its first field; a form that was refused begins where it was refused.
  doc.addEventListener("htmx:afterSettle", (event) => {
    const panel = event.detail.target?.id === "research" && doc.getElementById("research-form");
    if (panel) (panel.querySelector("[aria-invalid=true]") ?? panel.querySelector("input:not([type=hidden]), textarea"))?.focus();
  });
})();
